import { api, newKey, price } from './api.js';
import { followed, payAgain, paymentNotices, refill } from './booking-view.js';
import { cardChoice } from './card-choice.js';
import { countdown } from './countdown.js';
import { el, problemText, say, seatName } from './dom.js';
import { codeFields, codesOf } from './offer-codes.js';
import { ruleTexts, stateText } from './texts.js';

/** My order of a package: what is held, paying it, and what became of it. */
export async function orderView(main, bundleId) {
  const path = `/v1/bundle-orders/${bundleId}`;
  const state = el('p', { class: 'state', role: 'status', tabindex: '-1' });
  const body = el('div');
  main.append(el('h1', {}, 'Your package'), state, body);
  const first = await api('GET', path);
  const titles = await titlesOf(first);
  let endClock;
  const stop = followed(path, first, (bundle, again) => {
    endClock?.();
    state.textContent = stateText(bundle);
    const held = bundle.status === 'held' ? heldPanel(bundle, again) : undefined;
    endClock = held?.end;
    refill(body, state, [
      el('p', {}, `${bundle.quantity} × ${bundle.name}`),
      ...paymentNotices(bundle, again, retry),
      el('ul', { class: 'cards' }, bundle.events.map(eventCard(titles))),
      priceLine(bundle),
      ...(held ? [held.node] : []),
      ...(['confirmed', 'partially_refunded'].includes(bundle.status)
        ? [cancelForm(bundle, again)]
        : []),
    ]);
  });
  return () => {
    stop();
    endClock?.();
  };
}

async function titlesOf({ events }) {
  const found = await Promise.allSettled(
    events.map(({ eventId }) => api('GET', `/v1/events/${eventId}`)),
  );
  return new Map(events.map(({ eventId }, i) => [eventId, found[i].value?.title ?? 'Event']));
}

const eventCard = (titles) => (event) =>
  el(
    'li',
    { class: 'card' },
    el('h2', {}, titles.get(event.eventId)),
    el('p', {}, event.seats.map(seatName).join(', ')),
    el('p', {}, `${price(event.total)} instead of ${price(event.separately)}`),
    event.booking
      ? el(
          'p',
          {},
          `${stateText(event.booking)} · `,
          el(
            'a',
            { href: `#/bookings/${event.booking.bookingId}` },
            `tickets of ${titles.get(event.eventId)}`,
          ),
        )
      : '',
  );

const priceLine = (of) =>
  el(
    'p',
    { 'aria-live': 'polite' },
    el('strong', {}, `Total ${price(of.price.total)}`),
    priceText(of),
  );

/** How a total comes about, and what a voucher pays of it. */
const priceText = ({ price: { separately, discount, promo }, voucher }) =>
  [
    ` (${price(separately)} less ${price(discount)}`,
    promo ? `, ${promo.code}: ${price(promo.amount)} off` : '',
    ')',
    voucher ? `; your gift voucher pays ${price(voucher)}` : '',
  ].join('');

const orderOf =
  ({ bundleId }) =>
  (payment) => ({ bundleId, payment });

const retry = (bundle, again) => payAgain('/v1/bundles/checkout', orderOf(bundle), again);

function heldPanel(bundle, again) {
  const problem = el('p', { class: 'error', role: 'alert' });
  const clock = countdown(() => bundle.expiresAt, again);
  const card = cardChoice();
  const act = (work, then) => async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      await work();
      then?.();
    } catch (failure) {
      problem.textContent = problemText(failure);
    }
  };
  let toPay = bundle.price.total;
  const button = el('button', { type: 'submit' }, `Pay ${price(toPay)}`);
  const quoted = el('div');
  const quote = async () => {
    const path = `/v1/bundle-orders/${bundle.bundleId}/quote`;
    const answer = await api('POST', path, codesOf(form));
    ({ toPay } = answer);
    quoted.replaceChildren(priceLine(answer));
    button.textContent = toPay.amount > 0 ? `Pay ${price(toPay)}` : 'Book';
  };
  const pay = () => {
    const payment = toPay.amount > 0 ? card.payment() : undefined;
    const body = { ...orderOf(bundle)(payment), ...codesOf(form) };
    return api('POST', '/v1/bundles/checkout', body, { key: newKey() });
  };
  const form = el(
    'form',
    { onsubmit: act(pay, again) },
    codeFields(act(quote)),
    quoted,
    card.node,
    button,
  );
  const release = () => api('DELETE', `/v1/bundle-orders/${bundle.bundleId}`);
  const node = el(
    'section',
    { class: 'card', 'aria-label': 'Pay' },
    el('h2', {}, 'Held for you'),
    clock.node,
    problem,
    form,
    el('button', { class: 'quiet', onclick: act(release, again) }, 'Give back'),
  );
  return { node, end: clock.end };
}

function cancelForm(bundle, again) {
  const problem = el('p', { class: 'error', role: 'alert' });
  const outcome = el('div', { class: 'outcome', tabindex: '-1' });
  const cancel = async (event) => {
    event.target.disabled = true;
    try {
      const path = `/v1/bundle-orders/${bundle.bundleId}/cancel`;
      const { refund } = await api('POST', path, {}, { key: newKey() });
      say(`Cancelled. ${price(refund.amount)} comes back.`);
      again();
    } catch (failure) {
      problem.textContent = problemText(failure);
      event.target.disabled = false;
    }
  };
  const look = async () => {
    const told = await whatComesBack(bundle).catch((failure) => [
      el('p', { class: 'error' }, problemText(failure)),
    ]);
    outcome.replaceChildren(
      ...told,
      el('button', { class: 'danger', onclick: cancel }, 'Cancel the whole package for good'),
      ' ',
      el('button', { class: 'quiet', onclick: () => outcome.replaceChildren() }, 'Keep it'),
    );
    outcome.focus();
  };
  return el(
    'section',
    { class: 'card' },
    el('h2', {}, 'Give the package back'),
    el('button', { class: 'quiet', onclick: look }, 'What would come back?'),
    problem,
    outcome,
  );
}

/** The sum of what the events' bookings would return; where they cannot say, their rules. */
async function whatComesBack({ events, price: { total } }) {
  const open = events.filter(({ booking }) =>
    ['confirmed', 'partially_refunded'].includes(booking?.status),
  );
  const told = await Promise.allSettled(
    open.map(({ booking }) => api('GET', `/v1/bookings/${booking.bookingId}/cancellation`)),
  );
  if (told.some(({ status }) => status === 'rejected')) {
    return Promise.all(open.map(rulesOf));
  }
  const sum = (key) => told.reduce((all, { value }) => all + value[key].amount, 0);
  const money = (amount) => price({ amount, currency: total.currency });
  return [el('h3', {}, `${money(sum('refund'))} comes back, ${money(sum('kept'))} does not`)];
}

async function rulesOf({ eventId, total, booking: { bookingId } }) {
  const [event, { refundRules }] = await Promise.all([
    api('GET', `/v1/events/${eventId}`),
    api('GET', `/v1/bookings/${bookingId}`),
  ]);
  const texts = ruleTexts(refundRules ?? event.refundRules, event);
  return el(
    'section',
    {},
    el('h3', {}, `${event.title}: ${price(total)}`),
    el(
      'ul',
      {},
      texts.map((text) => el('li', {}, text)),
    ),
  );
}
