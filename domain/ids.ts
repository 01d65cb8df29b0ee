/**
 * Identifiers: a prefix and a ULID (26 characters of Crockford base 32). What belongs to an event
 * names it: `rsv_<event ULID><own ULID>`, likewise `bkg_`, `tkt_` and `bdl_`.
 */
export const prefixes = {
  event: 'evt',
  venue: 'ven',
  organizer: 'org',
  user: 'usr',
  chart: 'cht',
  performer: 'prf',
  reservation: 'rsv',
  booking: 'bkg',
  ticket: 'tkt',
  promo: 'prm',
  voucher: 'vch',
  /** An offer of several events at one price. */
  package: 'pkg',
  /** An order of a package; it names its first event. */
  bundle: 'bdl',
} as const;

export type IdKind = keyof typeof prefixes;
const scopedKinds = ['reservation', 'booking', 'ticket', 'bundle'] as const;
export type EventScopedKind = (typeof scopedKinds)[number];

const ulidPattern = '[0-7][0-9A-HJKMNP-TV-Z]{25}';
const scoped = (prefix: string): RegExp => new RegExp(`^${prefix}_${ulidPattern}${ulidPattern}$`);
const plain = (prefix: string): RegExp => new RegExp(`^${prefix}_${ulidPattern}$`);

const isScoped = (kind: IdKind): kind is EventScopedKind => scopedKinds.some((one) => one === kind);

/** The pattern of every kind of id, for validation and for the OpenAPI document. */
export const idPatterns = Object.fromEntries(
  Object.entries(prefixes).map(([kind, prefix]) => [
    kind,
    isScoped(kind as IdKind) ? scoped(prefix) : plain(prefix),
  ]),
) as Readonly<Record<IdKind, RegExp>>;

/** `makeId('event', ulid)` → `evt_…`. */
export const makeId = (kind: Exclude<IdKind, EventScopedKind>, ulid: string): string =>
  `${prefixes[kind]}_${ulid}`;

/** `makeScopedId('booking', 'evt_01…', ulid)` → `bkg_01…<ulid>`. */
export const makeScopedId = (kind: EventScopedKind, eventId: string, ulid: string): string =>
  `${prefixes[kind]}_${eventId.slice(4)}${ulid}`;

/**
 * The event a reservation, booking or ticket belongs to, the first one of a bundle; undefined when
 * the id is malformed.
 */
export function eventIdOf(id: string): string | undefined {
  const kind = scopedKinds.find((k) => idPatterns[k].test(id));
  return kind === undefined ? undefined : `${prefixes.event}_${id.slice(4, 30)}`;
}

/** Of an order of a package; a payment's `bookingId` may be one. */
export const isBundleId = (id: string): boolean => idPatterns.bundle.test(id);

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * Spells 128 bits (a Uint8Array of at least 16 bytes) as a ULID. The first character carries three
 * bits, so every 128-bit value has exactly one spelling.
 */
export function spellUlid(bytes: Uint8Array): string {
  let text = '';
  let value = 0;
  // Of the 130 bits of 26 characters the first two are none of ours.
  let bits = 2;
  for (let i = 0; i < 16; i++) {
    value = (value << 8) | (bytes[i] ?? 0);
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet.charAt((value >> (bits - 5)) & 31);
    value &= (1 << bits) - 1;
  }
  return text;
}
