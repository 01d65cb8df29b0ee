import type { Channel } from '#domain/inventory/commands.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import type { Quote } from '#domain/pricing.ts';

/**
 * How facts stand in the journal. Format 1: a JSON array of facts. Format 2: the same, except that
 * the two frequent kinds may be arrays, without names and without what the entry says already: ids
 * lose their prefix and their event, times are relative to the entry's.
 *
 *     [1, hold, fingerprint, buyer, channel, places, quote, deadline]     held
 *     [2, booking, hold, payment, buyer, places, quote]                   sold
 *
 * `quote` is `[currency, [[category, quantity, unit amount, amount], …], fees, taxes, total]`. What
 * does not fit this shape is written by its names.
 */
export const factFormats = { named: 1, short: 2 } as const;

/** What an entry says for all of its facts. */
export type FactsOf = {
  readonly eventId: string;
  /** Epoch ms. */
  readonly at: number;
};

type Held = Extract<Fact, { type: 'held' }>;
type Sold = Extract<Fact, { type: 'sold' }>;
type ShortLine = readonly [string, number, number, number];
type ShortQuote = readonly [Quote['currency'], readonly ShortLine[], number, number, number];
type ShortHeld = readonly [1, string, string, string, Channel, number[], ShortQuote, number];
type ShortSold = readonly [2, string, string, string, string, number[], ShortQuote];

/** Every member of a fact, or of a quote, that the short shape has a place for. */
type Complete<T, Names extends keyof T> = [Exclude<keyof T, Names>] extends [never] ? T : never;
type WholeHeld = Complete<
  Held,
  'type' | 'hold' | 'fingerprint' | 'buyer' | 'channel' | 'places' | 'quote' | 'deadline'
>;
type WholeSold = Complete<
  Sold,
  'type' | 'booking' | 'hold' | 'payment' | 'buyer' | 'places' | 'quote'
>;
type WholeQuote = Complete<Quote, 'currency' | 'lines' | 'fees' | 'taxes' | 'total' | 'discount'>;

/** The JSON text of one fact of an entry of format 2. */
export function factText(fact: Fact, of: FactsOf): string {
  if (fact.type === 'held') return heldText(fact, of) ?? JSON.stringify(fact);
  if (fact.type === 'sold') return soldText(fact, of) ?? JSON.stringify(fact);
  return JSON.stringify(fact);
}

/** The facts of an entry's text, in either format. */
export function factsIn(text: string, of: FactsOf): readonly Fact[] {
  const items = JSON.parse(text) as (Fact | ShortHeld | ShortSold)[];
  return items.map((item) => {
    if (!Array.isArray(item)) return item as Fact;
    return item[0] === 1 ? heldOf(item as ShortHeld, of) : soldOf(item as ShortSold, of);
  });
}

function heldText(fact: WholeHeld, { eventId, at }: FactsOf): string | undefined {
  const hold = ownPart(fact.hold, 'rsv', eventId);
  const buyer = ownPart(fact.buyer, 'usr');
  const quote = quoteText(fact.quote);
  if (hold === undefined || buyer === undefined || quote === undefined) return undefined;
  const { fingerprint, channel, places, deadline } = fact;
  const names = JSON.stringify([1, hold, fingerprint, buyer, channel, places]).slice(0, -1);
  return `${names},${quote},${deadline - at}]`;
}

function heldOf(short: ShortHeld, { eventId, at }: FactsOf): Fact {
  const [, hold, fingerprint, buyer, channel, places, quote, deadline] = short;
  return {
    type: 'held',
    hold: wholeId(hold, 'rsv', eventId),
    fingerprint,
    buyer: wholeId(buyer, 'usr'),
    channel,
    places,
    quote: quoteOf(quote),
    deadline: at + deadline,
  };
}

function soldText(fact: WholeSold, { eventId }: FactsOf): string | undefined {
  const booking = ownPart(fact.booking, 'bkg', eventId);
  const hold = ownPart(fact.hold, 'rsv', eventId);
  const buyer = ownPart(fact.buyer, 'usr');
  const quote = quoteText(fact.quote);
  if (booking === undefined || hold === undefined || buyer === undefined) return undefined;
  if (quote === undefined) return undefined;
  const { payment, places } = fact;
  return `${JSON.stringify([2, booking, hold, payment, buyer, places]).slice(0, -1)},${quote}]`;
}

function soldOf([, booking, hold, payment, buyer, places, quote]: ShortSold, of: FactsOf): Fact {
  return {
    type: 'sold',
    booking: wholeId(booking, 'bkg', of.eventId),
    hold: wholeId(hold, 'rsv', of.eventId),
    payment,
    buyer: wholeId(buyer, 'usr'),
    places,
    quote: quoteOf(quote),
  };
}

const ulidChars = 26;
/** Of `evt_`, and of every other kind of id here. */
const prefixChars = 4;

/** The last ULID of `<kind>_[<event ULID>]<ULID>`; undefined for an id of another shape. */
function ownPart(id: string, kind: string, eventId = ''): string | undefined {
  const event = eventId.slice(prefixChars);
  const ownAt = prefixChars + event.length;
  const fits =
    id.length === ownAt + ulidChars &&
    id.startsWith(kind) &&
    id[kind.length] === '_' &&
    id.startsWith(event, prefixChars);
  return fits ? id.slice(ownAt) : undefined;
}

const wholeId = (own: string, kind: string, eventId = ''): string =>
  `${kind}_${eventId.slice(prefixChars)}${own}`;

/** Prices of one kind are one object in the memory of an event: each is turned into text once. */
const quoteTexts = new WeakMap<Quote, string>();

function quoteText(quote: WholeQuote): string | undefined {
  if (quote.discount !== undefined) return undefined;
  const known = quoteTexts.get(quote);
  if (known !== undefined) return known;
  const { currency, lines, fees, taxes, total } = quote;
  const short: ShortQuote = [
    currency,
    lines.map(({ category, quantity, unitAmount, amount }): ShortLine => {
      return [category, quantity, unitAmount, amount];
    }),
    fees,
    taxes,
    total,
  ];
  const text = JSON.stringify(short);
  quoteTexts.set(quote, text);
  return text;
}

function quoteOf([currency, lines, fees, taxes, total]: ShortQuote): Quote {
  return {
    currency,
    lines: lines.map(([category, quantity, unitAmount, amount]) => {
      return { category, quantity, unitAmount, amount };
    }),
    fees,
    taxes,
    total,
  };
}
