import { api, newKey, price } from './api.js';
import { cancelPanel } from './cancel-panel.js';
import { cardChoice } from './card-choice.js';
import { el, problemText, sayProblem, seatName } from './dom.js';
import { bookingInstalments } from './instalments.js';
import { eventNotice, notice, refundRules } from './notices.js';
import { reasonText, refundText, shortWhen, stateText, ticketText } from './texts.js';
import { bankLink, typedCard } from './typed-card.js';

const running = new Set(['pending', 'requires_action', 'selling']);
const soonMs = 2_000;
const laterMs = 10_000;
const looksMax = 200;

/** One booking, followed until nothing of it moves any more. */
export async function bookingView(main, bookingId) {
  const path = `/v1/bookings/${bookingId}`;
  const state = el('p', { class: 'state', role: 'status', tabindex: '-1' });
  const body = el('div');
  main.append(el('h1', {}, 'Your booking'), state, body);
  const first = await api('GET', path);
  const event = await api('GET', `/v1/events/${first.eventId}`).catch(() => undefined);
  const alone = !first.bundleId || (await divisible(first.bundleId));
  return followed(path, first, (booking, again) => {
    state.textContent = stateText(booking);
    refill(body, state, details(booking, event, alone, again));
  });
}

/** Whether a booking of this order may be given back by itself. */
async function divisible(bundleId) {
  try {
    const { packageId } = await api('GET', `/v1/bundle-orders/${bundleId}`);
    return (await api('GET', `/v1/bundles/${packageId}`)).divisible;
  } catch {
    return true;
  }
}

/**
 * Shows what is at `path`, again whenever it has changed: at once while it is being worked on, then
 * every few seconds for as long as somebody may be looking. `show(what, again)`; `again()` looks and
 * shows at once. Answers its end.
 */
export function followed(path, first, show) {
  let open = true;
  let round = 0;
  let seen;
  const take = (what, again) => {
    const now = marks(what);
    if (now !== seen) show(what, again);
    seen = now;
  };
  const watch = async (start) => {
    const mine = ++round;
    const again = () => {
      seen = undefined;
      watch();
    };
    let what = start;
    for (let looks = 0; open && mine === round && looks < looksMax; looks++) {
      try {
        what = await next(path, what);
        if (open && mine === round) take(what, again);
      } catch (problem) {
        sayProblem(problem);
        await pause(soonMs);
      }
      if (what && !running.has(what.status)) await pause(moves(what) ? soonMs : laterMs);
    }
  };
  take(first, () => {
    seen = undefined;
    watch();
  });
  watch(running.has(first.status) ? first : undefined);
  return () => {
    open = false;
  };
}

/** New content for `body`; a focus that was in the old one goes to `state`, not to nowhere. */
export function refill(body, state, content) {
  const within = body.contains(document.activeElement);
  body.replaceChildren(...content);
  if (within) state.focus();
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function next(path, before) {
  if (!before || !running.has(before.status)) return api('GET', path);
  const from = path.includes('/bookings/') ? `&from=${before.status}` : '';
  return api('GET', `${path}?wait=5${from}`);
}

/** What a page shows of it: a card that is being typed in stays while others are declined. */
function marks({ updatedAt, payment, ...rest }) {
  const { declineCode, ...shown } = payment ?? {};
  const typing = rest.status === 'requires_action';
  return JSON.stringify({ ...rest, payment: typing ? shown : payment });
}

/** Whether something of a settled booking is still under way. */
const moves = ({ cancelRequested, refunds = [], payment }) =>
  cancelRequested ||
  refunds.some(({ status }) => status === 'pending') ||
  payment?.nextActionUrl !== undefined ||
  (payment?.instalments?.parts ?? []).some(({ status }) => status === 'charging');

function details(booking, event, alone, changed) {
  const { payment, tickets, refunds } = booking;
  const valid = tickets.some(({ status }) => status === 'valid');
  const frozen = tickets.some(({ status }) => status === 'frozen');
  return [
    event ? eventLine(event) : '',
    event ? eventNotice(event) : '',
    ...paymentNotices(booking, changed),
    frozen
      ? notice(
          'Frozen by a dispute.',
          'Your bank asks a payment back. Until that is decided the tickets are not good at the door and cannot be given back.',
        )
      : '',
    booking.cancelRequested && running.has(booking.status)
      ? notice('Being cancelled.', 'As soon as the payment has settled, it goes back.')
      : '',
    totals(booking),
    payment.instalments && booking.status !== 'declined'
      ? bookingInstalments(booking, changed)
      : '',
    ticketList(tickets),
    refunds.length > 0 ? refundList(refunds) : '',
    booking.bundleId ? bundleLine(booking.bundleId) : '',
    booking.refundRules && event && valid ? refundRules(booking.refundRules, event) : '',
    alone && valid && !running.has(booking.status)
      ? cancelPanel(booking, event?.zone, changed)
      : '',
  ];
}

const eventLine = (event) =>
  el(
    'p',
    {},
    el('a', { href: `#/events/${event.eventId}` }, event.title),
    ` · ${event.venue.name} · ${shortWhen(event.startsAt, event.zone)}`,
  );

const bundleLine = (bundleId) =>
  el(
    'p',
    {},
    'Part of a package: ',
    el('a', { href: `#/orders/${bundleId}` }, 'the whole order'),
    '.',
  );

/** What the buyer should know, or do, about a payment that has not gone through. */
export function paymentNotices(booking, changed, retry = retryForm) {
  const { status, reason, payment = {} } = booking;
  if (status === 'pending' && reason === 'payment-provider-unavailable') return [waiting()];
  if (payment.nextActionUrl) return [bankLink(payment.nextActionUrl)];
  if (status === 'requires_action' && payment.clientSecret) {
    const declined = payment.declineCode
      ? [el('p', { class: 'error' }, `The last card was declined (${payment.declineCode}).`)]
      : [];
    return [...declined, typedCard(payment.clientSecret)];
  }
  if (status === 'declined') {
    const why = payment.declineCode ? ` (${payment.declineCode.replaceAll('_', ' ')})` : '';
    return [
      el('p', { class: 'error' }, `The bank said no${why}. Nothing was charged.`),
      retry(booking, changed),
    ];
  }
  return reason && !running.has(status) ? [el('p', {}, reasonText(reason))] : [];
}

const waiting = () =>
  el(
    'section',
    { class: 'notice', 'aria-label': 'Waiting for the payment service' },
    el(
      'strong',
      {},
      el('span', { class: 'busy', 'aria-hidden': 'true' }),
      'Waiting for the payment service',
    ),
    el(
      'p',
      {},
      'It cannot be reached at the moment. Your seats are kept, and your payment goes on by itself as soon as it answers. You may leave this page: you will get a mail either way, and nothing is charged twice. Should it stay away for long, the booking ends and nothing is charged.',
    ),
  );

function retryForm(booking, changed) {
  const plan = booking.payment.instalments?.planId;
  const body = (payment) => ({
    reservationId: booking.reservationId,
    payment: { ...payment, ...(plan ? { plan } : {}) },
  });
  return payAgain('/v1/checkout', body, changed, plan === undefined);
}

/** A form to try another card. `bodyOf(payment)` is what is sent to `path`. */
export function payAgain(path, bodyOf, changed, savable = true) {
  const card = cardChoice({ savable });
  const problem = el('p', { class: 'error', role: 'alert' });
  const form = el(
    'form',
    { class: 'card' },
    el('h2', {}, 'Try another card'),
    card.node,
    problem,
    el('button', {}, 'Pay'),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      await api('POST', path, bodyOf(card.payment()), { key: newKey() });
      changed();
    } catch (failure) {
      problem.textContent = problemText(failure);
    }
  });
  return form;
}

const paidBy = { cash: 'paid in cash', complimentary: 'complimentary', card: 'by card' };
const intentTexts = {
  succeeded: 'paid',
  not_required: 'nothing to pay',
  processing: 'being checked by the bank',
  requires_capture: 'approved by the bank',
  requires_action: 'waits for you',
  canceled: 'not charged',
};

const discountName = ({ code }) => (code.startsWith('pkg_') ? 'As part of a package' : code);

const paymentText = ({ status, instalments }) =>
  status === 'succeeded' && instalments?.outstanding.amount > 0
    ? `in parts, ${price(instalments.outstanding)} still to be paid`
    : (intentTexts[status] ?? 'not made yet');

const totals = ({ total, discount, voucher, payment }) =>
  el(
    'ul',
    { class: 'plain' },
    el('li', {}, `Total ${price(total)}`),
    discount ? el('li', {}, `${discountName(discount)}: ${price(discount.amount)} off`) : '',
    voucher ? el('li', {}, `Your gift voucher pays ${price(voucher)}`) : '',
    el(
      'li',
      {},
      `Payment: ${[payment.status === 'not_required' ? undefined : paidBy[payment.by], paymentText(payment)].filter(Boolean).join(', ')}`,
    ),
  );

const ticketList = (tickets) =>
  el(
    'ul',
    { class: 'cards', 'aria-label': 'Tickets' },
    tickets.map((ticket) =>
      el(
        'li',
        { class: ticket.status === 'valid' ? 'card' : 'card off' },
        el('h2', {}, seatName(ticket.seat)),
        el('p', {}, ticketText(ticket)),
        el('p', { class: 'muted small' }, ticket.ticketId),
      ),
    ),
  );

const refundList = (refunds) =>
  el(
    'section',
    { class: 'card' },
    el('h2', {}, 'Money that goes back'),
    el(
      'ul',
      { class: 'plain' },
      refunds.map((refund) => el('li', {}, refundText(refund))),
    ),
  );
