import { api, newKey, price } from './api.js';
import { cardChoice } from './card-choice.js';
import { countdown } from './countdown.js';
import { el, problemText, sayProblem, seatName } from './dom.js';
import { planChoice } from './instalments.js';
import { codeFields, codesOf } from './offer-codes.js';

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
      problem.textContent = problemText(failure);
      sayProblem(failure);
    }
  };
  const total = el('p', { 'aria-live': 'polite' }, `Total ${price(hold.price.total)}`);
  let toPay = hold.price.total;
  const showButton = () => {
    form.querySelector('button[type=submit]').textContent = payText(toPay, hold, plans.chosen());
  };
  const quote = act(async () => {
    const quoted = await api('POST', `${path}/quote`, codesOf(form));
    toPay = quoted.toPay;
    total.textContent = priceText(quoted);
    showButton();
  });
  const card = cardChoice();
  const plans = planChoice(hold.reservationId, (plan) => {
    card.mayKeep(plan === undefined);
    showButton();
  });
  const form = paymentForm(hold, quote, [plans.node, card.node]);
  form.addEventListener(
    'submit',
    act(async () => {
      const plan = plans.chosen()?.planId;
      const by = { ...card.payment(), ...(plan ? { plan } : {}) };
      const payment = toPay.amount > 0 ? { payment: by } : {};
      const body = { reservationId: hold.reservationId, ...codesOf(form), ...payment };
      const { bookingId } = await api('POST', '/v1/checkout', body, { key: newKey() });
      location.hash = `#/bookings/${bookingId}`;
    }),
  );
  const heading = el('h2', { tabindex: '-1' }, 'Held for you');
  const extend = act(async () => {
    hold = await api('PATCH', path, { extend: true });
  });
  const release = act(async () => {
    await api('DELETE', path);
    onReleased();
  });
  panel.replaceChildren(
    heading,
    clock.node,
    seatList(hold),
    total,
    el('p', { class: 'muted' }, 'This price is yours while you hold the seats.'),
    problem,
    form,
    el('button', { class: 'quiet', onclick: extend }, 'More time'),
    el('button', { class: 'quiet', onclick: release }, 'Give back'),
  );
  heading.focus();
  return clock.end;
}

const seatList = ({ seats }) =>
  el(
    'ul',
    {},
    seats.map((seat) => el('li', {}, `${seatName(seat)} (${seat.category})`)),
  );

/** What the button says: all, or the first part, which codes make smaller. */
function payText(toPay, hold, plan) {
  if (toPay.amount === 0) return 'Book';
  if (!plan) return `Pay ${price(toPay)}`;
  const whole = toPay.amount === hold.price.total.amount;
  return whole ? `Pay ${price(plan.instalments[0].amount)} now` : 'Pay the first part';
}

/** What a quote comes to, with what a code takes off and a voucher pays. */
const priceText = ({ price: { discount, total }, voucher }) =>
  [
    `Total ${price(total)}`,
    discount && `${discount.code}: ${price(discount.amount)} off`,
    voucher && `your voucher pays ${price(voucher)}`,
  ]
    .filter(Boolean)
    .join('; ');

const paymentForm = (hold, onCodes, ways) =>
  el(
    'form',
    {},
    codeFields(onCodes),
    ways,
    el('button', { type: 'submit' }, `Pay ${price(hold.price.total)}`),
  );
