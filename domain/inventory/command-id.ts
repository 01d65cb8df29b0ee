import { hash } from 'node:crypto';
import { makeScopedId, spellUlid } from '#domain/ids.ts';

/** What makes two requests the same request. */
export type CommandScope = {
  readonly buyerId: string;
  /** The route's name, e.g. `reserve`; the same key on another route is another command. */
  readonly route: string;
  readonly eventId: string;
  /** The caller's Idempotency-Key. */
  readonly key: string;
};

/** The first 128 bits of a SHA-256, as 32 hex digits. */
const hash128 = (text: string): string => hash('sha256', text, 'hex').slice(0, 32);

/**
 * The id of a command: 32 hex digits, the first 128 bits of a SHA-256 over the scope. The same
 * scope gives the same id on every node and for ever, so a repeated request meets its own effect.
 */
export const deriveCommandId = ({ buyerId, route, eventId, key }: CommandScope): string =>
  hash128(JSON.stringify([buyerId, route, eventId, key]));

/**
 * The id of the hold that a command makes: `rsv_<event ULID><the command id's 128 bits as ULID>`.
 * A live hold is thereby the memory of its own command. A command id that is not 32 hex digits is
 * hashed first.
 */
export function holdIdOf(eventId: string, commandId: string): string {
  const digits = /^[0-9a-f]{32}$/.test(commandId) ? commandId : hash128(commandId);
  return makeScopedId('reservation', eventId, spellUlid(Buffer.from(digits, 'hex')));
}

/** JSON with sorted keys and without undefined members: equal bodies give equal text. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}

/**
 * 32 hex digits that are equal for equal JSON bodies whatever the order of their members: tells a
 * repeated request from another one under the same key (`idempotency-key-reused`).
 */
export const fingerprintOf = (body: unknown): string => hash128(canonical(body));
