import { z } from 'zod';
import type { AccountRole } from '#domain/account.ts';
import { type IdKind, idPatterns } from '#domain/ids.ts';
import { limits } from '#domain/limits.ts';

/** An id of the given kind, e.g. `evt_` and a ULID. */
export const id = (kind: IdKind) =>
  z.string().regex(idPatterns[kind], `must be an id of the form ${idPatterns[kind].source}`);

/** What a payment is for: a booking, or the order of a package. */
export const paidId = z.union([id('booking'), id('bundle')]);

/** Money as the API spells it: integer minor units and an ISO 4217 code. */
export const moneySchema = z.strictObject({
  amount: z.int().describe('Minor units: cents, yen, fils'),
  currency: z.string().regex(/^[A-Z]{3}$/),
});

/** RFC 3339 in UTC. */
export const timestamp = z.iso.datetime({ offset: false });

/** A place as a person knows it: `area` for general admission, section, row and number else. */
export const seatSchema = z.object({
  id: z.string(),
  category: z.string(),
  section: z.string().optional(),
  row: z.string().optional(),
  number: z.string().optional(),
  area: z.string().optional(),
});

/** An event as its bookings keep it and its messages tell it; `timeZone` is an IANA zone. */
export const eventInfoSchema = z.object({
  name: z.string(),
  startsAt: z.number().describe('Epoch ms'),
  timeZone: z.string(),
  venue: z.string(),
});

/** Places by status; they always add up to the capacity. */
export const countsSchema = z.object({
  available: z.int(),
  reserved: z.int(),
  sold: z.int(),
  blocked: z.int(),
});

/** `?limit=&cursor=` as they arrive in a query string. */
export const pageParams = {
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(500).optional(),
};

export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });

/** Who calls, as the gateway found out; travels in `ctx.meta.caller`. */
export type Role = AccountRole;
export type Caller = {
  readonly userId: string;
  readonly roles: readonly Role[];
  /** Organizers this account acts for. */
  readonly organizerIds: readonly string[];
  /** Organizers at whose box office this account sells. */
  readonly boxOfficeIds?: readonly string[] | undefined;
};

/** What travels with every call besides its params. */
export type CallMeta = {
  readonly caller?: Caller;
  readonly requestId?: string;
  readonly idempotencyKey?: string;
  /** Epoch ms until which the caller waits. */
  readonly deadlineAt?: number;
};
