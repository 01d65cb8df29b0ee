import type { MessageKind } from '#domain/booking-messages.ts';
import { escapeHtml } from '#domain/html.ts';
import { format, type Money } from '#domain/money.ts';

/** What fills the text. Whatever is not known is left out, never the message. */
export type MessageFacts = {
  readonly name?: string | undefined;
  readonly bookingId: string;
  readonly event?:
    | {
        readonly name: string;
        /** Epoch ms. */
        readonly startsAt: number;
        /** IANA zone. */
        readonly timeZone: string;
        readonly venue: string;
      }
    | undefined;
  readonly seats: readonly SeatName[];
  /** Valid tickets; `code` is what is shown at the door. */
  readonly tickets: readonly { readonly code: string; readonly seat: SeatName }[];
  readonly amount?: Money | undefined;
  /** Paid at the box office: it goes back there. */
  readonly cash?: boolean | undefined;
  /** What of the amount is on the gift voucher again. */
  readonly onVoucher?: Money | undefined;
  /** Epoch ms. */
  readonly refundUntil?: number | undefined;
  /** When the instalment is charged, or tried again; epoch ms. */
  readonly chargeAt?: number | undefined;
  /** If that charge fails, the booking ends. */
  readonly lastTry?: boolean | undefined;
};

export type SeatName = {
  readonly id: string;
  readonly category?: string | undefined;
  readonly section?: string | undefined;
  readonly row?: string | undefined;
  readonly number?: string | undefined;
  readonly area?: string | undefined;
};

export type MessageText = {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

type Part =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [string, string])[] }
  | { readonly kind: 'tickets'; readonly rows: readonly (readonly [string, string])[] };

const titles: Readonly<Record<MessageKind, string>> = {
  'booking-confirmed': 'Your tickets',
  'booking-cancelled': 'Your booking is cancelled',
  'booking-refunded': 'Your refund is on its way',
  'payment-undone': 'Your payment was not taken',
  'payment-unavailable': 'We could not take your payment',
  'booking-reminder': 'See you soon',
  'instalment-coming': 'Your next instalment',
  'instalment-paid': 'An instalment was paid',
  'instalment-failed': 'An instalment could not be charged',
  'instalments-unpaid': 'Your booking has ended unpaid',
  'tickets-frozen': 'Your tickets are on hold',
  'tickets-restored': 'Your tickets are valid again',
  'tickets-void': 'Your tickets are no longer valid',
  'event-cancelled': 'Cancelled',
  'event-postponed': 'New date',
};

/** `Parterre, row 4, seat 12`, or the area's name for a place without a number. */
export function nameOfSeat(seat: SeatName): string {
  const parts = [
    seat.area ?? seat.section,
    seat.row === undefined ? undefined : `row ${seat.row}`,
    seat.number === undefined ? undefined : `seat ${seat.number}`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? seat.id : parts.join(', ');
}

/** By time zone: making one costs more than the rest of a message. */
const forms = new Map<string, Intl.DateTimeFormat>();
const formsMax = 500;

function formOf(timeZone: string): Intl.DateTimeFormat {
  const known = forms.get(timeZone);
  if (known !== undefined) return known;
  const form = new Intl.DateTimeFormat('en-GB', {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
    timeZone,
  });
  if (forms.size < formsMax) forms.set(timeZone, form);
  return form;
}

/** Messages in a row are mostly about one event. */
let last = { at: Number.NaN, timeZone: '', text: '' };

/** A time as people at the event's place read it: `Saturday, 3 July 2027 at 19:30 CEST`. */
export function timeInZone(at: number, timeZone: string): string {
  if (last.at !== at || last.timeZone !== timeZone) {
    last = { at, timeZone, text: formatted(new Date(at), timeZone) };
  }
  return last.text;
}

function formatted(date: Date, timeZone: string): string {
  try {
    return formOf(timeZone).format(date);
  } catch {
    return formOf('UTC').format(date);
  }
}

/** What does not go back on the voucher. */
const restOf = ({ amount, currency }: Money, { onVoucher }: MessageFacts): Money => ({
  amount: amount - (onVoucher?.amount ?? 0),
  currency,
});

function wayBack(amount: Money, facts: MessageFacts): string {
  const { cash, onVoucher } = facts;
  const rest = restOf(amount, facts);
  const ways = [
    ...(rest.amount === 0
      ? []
      : cash
        ? [`Please fetch ${format(rest)} at the box office.`]
        : [`We return ${format(rest)}; your bank may take some days to show it.`]),
    ...(onVoucher === undefined ? [] : [`${format(onVoucher)} goes back on your gift voucher.`]),
  ];
  return ways.join(' ');
}

const sum = (amount: Money | undefined): string =>
  amount === undefined ? 'an instalment' : format(amount);

const when = ({ chargeAt, event }: MessageFacts): string =>
  chargeAt === undefined ? '' : ` on ${timeInZone(chargeAt, event?.timeZone ?? 'UTC')}`;

const lastWord = ({ lastTry }: MessageFacts): readonly string[] =>
  lastTry === true
    ? ['If it is not paid by then, your booking ends and its tickets are no longer valid.']
    : [];

const sentences: Readonly<Record<MessageKind, (facts: MessageFacts) => string>> = {
  'booking-confirmed': () =>
    'Thank you. Your booking is confirmed; these are your tickets. Show the code at the door.',
  'booking-cancelled': (facts) =>
    facts.amount === undefined || facts.amount.amount === 0
      ? 'Your booking has been cancelled. Its tickets are no longer valid.'
      : `Your booking has been cancelled and its tickets are no longer valid. ${wayBack(facts.amount, facts)}`,
  'booking-refunded': ({ amount, cash, onVoucher }) => {
    if (onVoucher !== undefined) return `${format(onVoucher)} is on your gift voucher again.`;
    const paid = amount === undefined ? 'your payment' : format(amount);
    return cash
      ? `We have paid ${paid} out to you at the box office.`
      : `We have returned ${paid} to your card. Your bank may take some days to show it.`;
  },
  'payment-undone': () =>
    'Your bank did not release the payment, so the booking has been undone and nothing was charged. The seats are on sale again.',
  'payment-unavailable': () =>
    'Our payment provider could not be reached while your seats were held, so there is no booking and nothing was charged. The seats are on sale again; we are sorry.',
  'instalment-paid': ({ amount }) =>
    `We have charged ${sum(amount)} to your card, as agreed. Your booking shows what is left.`,
  'instalment-coming': (facts) =>
    [
      `As agreed, we charge ${sum(facts.amount)} to your card${when(facts)}. You need not do anything; to pay before that, or with another card, open your booking.`,
      ...lastWord(facts),
    ].join(' '),
  'instalment-failed': (facts) =>
    [
      `Your card did not pay ${sum(facts.amount)}, which is due now. We try ${facts.lastTry ? 'for the last time' : 'again'}${when(facts)}; you can pay with another card in your booking at any time.`,
      ...lastWord(facts),
    ].join(' '),
  'instalments-unpaid': ({ amount }) =>
    `An instalment of your booking was not paid in time. The booking is cancelled, its tickets are no longer valid, and we return ${sum(amount)} to your card.`,
  'booking-reminder': () => 'Your event is almost here. Have your tickets at hand.',
  'tickets-frozen': () =>
    'Your bank disputes the payment of this booking. Until that is decided its tickets are not valid.',
  'tickets-restored': () =>
    'The dispute about the payment of this booking is settled. Its tickets are valid again.',
  'tickets-void': () =>
    'Your bank has taken back the payment of this booking. Its tickets are no longer valid.',
  'event-cancelled': (facts) =>
    facts.amount === undefined || facts.amount.amount === 0
      ? 'We are sorry: the event has been cancelled. Nothing was charged, or nothing was due.'
      : `We are sorry: the event has been cancelled. Your tickets are no longer valid. ${wayBack(facts.amount, facts)}`,
  'event-postponed': ({ event, refundUntil }) =>
    [
      'The event has a new date, which you find below. Your tickets stay valid.',
      ...(refundUntil === undefined
        ? []
        : [
            `Should the date not suit you, give them back until ${timeInZone(refundUntil, event?.timeZone ?? 'UTC')}: we return all you have paid.`,
          ]),
    ].join(' '),
};

function partsOf(kind: MessageKind, facts: MessageFacts): Part[] {
  const { event, seats, tickets, amount, bookingId } = facts;
  const paid = kind === 'booking-confirmed' && amount !== undefined && amount.amount > 0;
  const listed = tickets.length > 0;
  const rows: (readonly [string, string])[] = [
    ...(event === undefined
      ? []
      : ([
          ['Event', event.name],
          ['When', timeInZone(event.startsAt, event.timeZone)],
          ['Where', event.venue],
        ] as const)),
    ...(listed || seats.length === 0
      ? []
      : ([['Seats', seats.map(nameOfSeat).join('; ')]] as const)),
    ...(paid ? ([['Paid', format(amount)]] as const) : []),
    ['Booking', bookingId],
  ];
  return [
    { kind: 'text', text: facts.name === undefined ? 'Hello,' : `Hello ${facts.name},` },
    { kind: 'text', text: sentences[kind](facts) },
    { kind: 'facts', rows },
    ...(listed ? [ticketsPart(tickets)] : []),
  ];
}

const ticketsPart = (tickets: MessageFacts['tickets']): Part => ({
  kind: 'tickets',
  rows: tickets.map(({ code, seat }) => {
    const category = seat.category === undefined ? '' : ` (${seat.category})`;
    return [`${nameOfSeat(seat)}${category}`, code] as const;
  }),
});

function textOf(part: Part): string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'facts':
      return part.rows.map(([name, value]) => `${name}: ${value}`).join('\n');
    case 'tickets':
      return part.rows.map(([seat, code]) => `- ${seat}\n  ${code}`).join('\n');
  }
}

const cell = 'padding:4px 16px 4px 0;vertical-align:top;';
const codeStyle = 'font-family:ui-monospace,monospace;font-size:13px;overflow-wrap:anywhere;';

function htmlOf(part: Part): string {
  if (part.kind === 'text') return `<p>${escapeHtml(part.text)}</p>`;
  const value = part.kind === 'tickets' ? `${cell}${codeStyle}` : cell;
  const rows = part.rows.map(
    ([name, text]) =>
      `<tr><td style="${cell}color:#5b6472">${escapeHtml(name)}</td><td style="${value}">${escapeHtml(text)}</td></tr>`,
  );
  return `<table style="border-collapse:collapse;margin:16px 0">${rows.join('')}</table>`;
}

/** Subject, plain text and HTML of a message. Values are escaped; times are the event's own. */
export function composeMessage(kind: MessageKind, facts: MessageFacts): MessageText {
  const title = titles[kind];
  const subject = facts.event === undefined ? title : `${title}: ${facts.event.name}`;
  const parts = partsOf(kind, facts);
  const text = `${parts.map(textOf).join('\n\n')}\n\nUsher\n`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(subject)}</title></head><body style="font:15px/1.5 system-ui,sans-serif;color:#1b1f27;background:#fff;max-width:40rem;margin:0 auto;padding:24px"><h1 style="font-size:20px">${escapeHtml(title)}</h1>${parts.map(htmlOf).join('')}<p style="color:#5b6472">Usher</p></body></html>`;
  // A header is one line, whatever an event is called.
  return { subject: subject.replaceAll(/\s+/g, ' '), text, html };
}
