import { api, newKey, price } from './api.js';
import { el, sayProblem, seatName } from './dom.js';

const cards = [
  ['pm_card_visa', 'Visa (test card that pays)'],
  ['pm_card_visa_chargeDeclined', 'Visa (test card that is declined)'],
  ['pm_card_threeDSecure2Required', 'Visa (test card with 3-D Secure)'],
];

/** The panel while seats are held: what they cost, the time left, paying. Answers its end. */
export function holdPanel(panel, first, onReleased) {
  let hold = first;
  const path = `/v1/reservations/${hold.reservationId}`;
  const problem = el('p', { class: 'error', role: 'alert' });
  const clock = countdown(
    () => hold.expiresAt,
    () => {
      problem.textContent = 'Your time is over; the seats are free again.';
    },
  );
  const act = (work) => async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      await work();
    } catch (failure) {
      problem.textContent = failure?.detail ?? failure?.title ?? 'That did not work.';
      sayProblem(failure);
    }
  };
  const total = el('p', {}, `Total ${price(hold.price.total)}`);
  let toPay = hold.price.total;
  const quote = act(async () => {
    const quoted = await api('POST', `${path}/quote`, codesOf(form));
    toPay = quoted.toPay;
    total.textContent = priceText(quoted);
    form.querySelector('button[type=submit]').textContent =
      toPay.amount > 0 ? `Pay ${price(toPay)}` : 'Book';
  });
  const form = paymentForm(hold, quote);
  form.addEventListener(
    'submit',
    act(async () => {
      const token = new FormData(form).get('card');
      const payment = toPay.amount > 0 ? { payment: { method: 'card', token } } : {};
      const body = { reservationId: hold.reservationId, ...codesOf(form), ...payment };
      const { bookingId } = await api('POST', '/v1/checkout', body, { key: newKey() });
      location.hash = `#/bookings/${bookingId}`;
    }),
  );
  const extend = act(async () => {
    hold = await api('PATCH', path, { extend: true });
  });
  const release = act(async () => {
    await api('DELETE', path);
    onReleased();
  });
  panel.replaceChildren(
    el('h2', {}, 'Held for you'),
    clock.node,
    el(
      'ul',
      {},
      hold.seats.map((seat) => el('li', {}, `${seatName(seat)} (${seat.category})`)),
    ),
    total,
    problem,
    form,
    el('button', { class: 'quiet', onclick: extend }, 'More time'),
    el('button', { class: 'quiet', onclick: release }, 'Give back'),
  );
  return clock.end;
}

/** The codes that were typed in. */
const codesOf = (form) => {
  const typed = [...new FormData(form)].filter(
    ([name, text]) => name !== 'card' && text.trim() !== '',
  );
  return Object.fromEntries(typed);
};

/** What a quote comes to, with what a code takes off and a voucher pays. */
const priceText = ({ price: { discount, total }, voucher }) =>
  [
    `Total ${price(total)}`,
    discount && `${discount.code}: ${price(discount.amount)} off`,
    voucher && `your voucher pays ${price(voucher)}`,
  ]
    .filter(Boolean)
    .join('; ');

/** `onCodes` is called when a code was typed in or taken away. */
const paymentForm = (hold, onCodes) =>
  el(
    'form',
    {},
    el('label', {}, 'Promo code', el('input', { name: 'promoCode', onchange: onCodes })),
    el('label', {}, 'Gift voucher', el('input', { name: 'voucher', onchange: onCodes })),
    el(
      'label',
      {},
      'Card',
      el(
        'select',
        { name: 'card' },
        cards.map(([value, text]) => el('option', { value }, text)),
      ),
    ),
    el('button', { type: 'submit' }, `Pay ${price(hold.price.total)}`),
  );

/** Minutes and seconds until `expiresAt()`; `onOver` once it is reached. */
function countdown(expiresAt, onOver) {
  const node = el('p', { class: 'timer', role: 'timer' });
  const tick = () => {
    const left = Math.max(0, Math.round((Date.parse(expiresAt()) - Date.now()) / 1_000));
    node.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    if (left > 0) return;
    clearInterval(interval);
    onOver();
  };
  const interval = setInterval(tick, 500);
  tick();
  return { node, end: () => clearInterval(interval) };
}
