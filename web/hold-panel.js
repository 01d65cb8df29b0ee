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
  const timer = el('p', { class: 'timer', role: 'timer' });
  const problem = el('p', { class: 'error', role: 'alert' });
  const tick = () => {
    const left = Math.max(0, Math.round((Date.parse(hold.expiresAt) - Date.now()) / 1_000));
    timer.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    if (left === 0) {
      clearInterval(interval);
      problem.textContent = 'Your time is over; the seats are free again.';
    }
  };
  const interval = setInterval(tick, 500);
  const path = `/v1/reservations/${hold.reservationId}`;
  const act = (work) => async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      await work(event);
    } catch (failure) {
      problem.textContent = failure?.detail ?? failure?.title ?? 'That did not work.';
      sayProblem(failure);
    }
  };
  const form = el(
    'form',
    {},
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
    el('button', {}, `Pay ${price(hold.price.total)}`),
  );
  form.addEventListener(
    'submit',
    act(async () => {
      const token = new FormData(form).get('card');
      const body = { reservationId: hold.reservationId, payment: { method: 'card', token } };
      const { bookingId } = await api('POST', '/v1/checkout', body, { key: newKey() });
      location.hash = `#/bookings/${bookingId}`;
    }),
  );
  const extend = act(async () => {
    hold = await api('PATCH', path, { extend: true });
    tick();
  });
  const release = act(async () => {
    await api('DELETE', path);
    onReleased();
  });
  panel.replaceChildren(
    el('h2', {}, 'Held for you'),
    timer,
    el(
      'ul',
      {},
      hold.seats.map((seat) => el('li', {}, `${seatName(seat)} (${seat.category})`)),
    ),
    el('p', {}, `Total ${price(hold.price.total)}`),
    problem,
    form,
    el('button', { class: 'quiet', onclick: extend }, 'More time'),
    el('button', { class: 'quiet', onclick: release }, 'Give back'),
  );
  tick();
  return () => clearInterval(interval);
}
