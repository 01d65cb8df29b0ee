import { price } from './api.js';

/** A day and time in the event's own zone, or in the reader's. */
export const shortWhen = (time, zone) =>
  new Intl.DateTimeFormat(undefined, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: zone,
  }).format(new Date(time));

export const percent = (basisPoints) => `${(basisPoints / 100).toLocaleString()} %`;

const bookingStates = {
  pending: 'Your payment is being made',
  requires_action: 'Your payment needs you',
  selling: 'Paid; your tickets are being written',
  confirmed: 'Booked',
  declined: 'The card was declined',
  expired: 'Ended without a sale; nothing was charged',
  cancelled: 'Cancelled',
  partially_refunded: 'Booked, partly refunded',
  refunded: 'Refunded',
  holding: 'Your seats are being taken',
  held: 'Held for you',
  released: 'Given back',
};
export const stateText = ({ status, reason }) =>
  status === 'pending' && reason === 'payment-provider-unavailable'
    ? 'Waiting for the payment service'
    : (bookingStates[status] ?? status.replaceAll('_', ' '));

const ticketStates = {
  valid: 'valid',
  used: 'used',
  cancelled: 'cancelled',
  frozen: 'frozen: your bank disputes the payment, so it is not good at the door for now',
};
export const ticketText = ({ status, usable }) =>
  status === 'valid' && usable === false
    ? 'valid once all parts are paid'
    : (ticketStates[status] ?? status);

const tenders = {
  card: 'your card',
  voucher: 'your gift voucher',
  cash: 'you in cash, at the box office',
};
const onItsWay = {
  none: 'nothing is due',
  pending: 'on its way',
  succeeded: 'done',
  failed: 'failed; we look into it',
};
export const refundText = ({ amount, to, status }) =>
  `${price(amount)} to ${tenders[to] ?? 'you'} (${onItsWay[status] ?? status})`;

const reasons = {
  'payment-provider-unavailable': 'The payment service could not be reached.',
  'reservation-expired': 'The time to pay was over.',
  'capture-failed': 'The bank did not hand over the money.',
  'seats-unavailable': 'The seats were lost while the payment ran.',
  'event-cancelled': 'The event is cancelled.',
  'instalments-unpaid': 'A part was not paid in time.',
  'dispute-lost': 'The bank took the payment back.',
  'cancelled-by-buyer': 'You cancelled it.',
  released: 'The seats are free again.',
  'cancelled-by-support': 'The support has cancelled it.',
};
export const reasonText = (reason) => reasons[reason] ?? reason.replaceAll('-', ' ');

/** Refund rules as sentences, with the moments at which they change. */
export function ruleTexts(
  { tiers, feePerTicket, returnServiceFees },
  { startsAt, zone, currency },
) {
  const steps = tiers.toSorted((a, b) => b.untilHoursBefore - a.untilHoursBefore);
  const texts = steps.map(({ untilHoursBefore, basisPoints }) => {
    const until = Date.parse(startsAt) - untilHoursBefore * 3_600_000;
    return `Until ${shortWhen(until, zone)}: ${percent(basisPoints)} comes back.`;
  });
  texts.push(steps.length > 0 ? 'After that: nothing comes back.' : 'Nothing comes back.');
  if (feePerTicket > 0) {
    texts.push(`${price({ amount: feePerTicket, currency })} is kept of each ticket.`);
  }
  if (!returnServiceFees) texts.push('Service fees are not returned.');
  return texts;
}
