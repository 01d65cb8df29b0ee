import type { Channel, Command, CommandKind, CommandOf, Want } from '#domain/inventory/commands.ts';
import { decide } from '#domain/inventory/decide.ts';
import type { Reply } from '#domain/inventory/decision.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { createState, type EventState } from '#domain/inventory/state.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import { type Layout, packLayout } from '#domain/layout.ts';

export const eventId = 'evt_01ARZ3NDEKTSV4RRFFQ69G5FAV';
const ulidOf = (n: number): string => n.toString().padStart(26, '0');
export const holdId = (n: number): string => `rsv_${eventId.slice(4)}${ulidOf(n)}`;
export const bookingId = (n: number): string => `bkg_${eventId.slice(4)}${ulidOf(n)}`;
export const buyerId = (n: number): string => `usr_${ulidOf(n)}`;

export type RowSpec = { section?: string; row: string; seats: number; category?: number };

/** Rows of plain seats, the front row and the middle of each row ranked best. */
export function layoutOf(rows: readonly RowSpec[], areas: Layout['areas'] = []): Layout {
  const seats = rows.flatMap(({ section = 'Stalls', row, seats: count, category = 0 }, r) =>
    Array.from({ length: count }, (_, i) => ({
      id: `${row}-${i + 1}`,
      section,
      row,
      number: String(i + 1),
      category,
      order: i,
      rank: r * 100 + Math.abs(2 * i + 1 - count),
    })),
  );
  return { categories: ['A', 'B', 'standing'], seats, areas };
}

export function termsOf(layout: Layout, change: Partial<Terms> = {}): Terms {
  return {
    currency: 'EUR',
    prices: { A: 5000, B: 3000, standing: 2000 },
    fees: [],
    taxes: [],
    chartVersion: 1,
    layout: packLayout(layout),
    limits: { ticketsPerBuyer: 8, liveHoldsPerBuyer: 2, holdTtlMs: 600_000 },
    sale: { status: 'open', opensAt: null, closesAt: null },
    channels: ['public'],
    endsAt: 10_000_000_000,
    ...change,
  };
}

/** A command as a caller states it; what is always the same is filled in. */
export type Asked<K extends CommandKind = CommandKind> = K extends CommandKind
  ? Omit<CommandOf<K>, 'id' | 'eventId' | 'deadline'> & { readonly id?: string }
  : never;

/**
 * One event with a clock: decides commands as an actor does, one entry per command, and keeps the
 * entries so that a replay can be compared.
 */
export class World {
  state: EventState = createState(eventId);
  now = 1_000_000;
  readonly entries: { seq: number; at: number; facts: readonly Fact[] }[] = [];
  /** Facts of the last command. */
  facts: readonly Fact[] = [];
  /** Commands made so far; gives them their ids. */
  made = 0;

  /** Facts that were written outside a command. */
  write(facts: readonly Fact[]): void {
    this.facts = facts;
    if (facts.length === 0) return;
    const seq = this.state.seq + 1;
    this.entries.push({ seq, at: this.now, facts: JSON.parse(JSON.stringify(facts)) as Fact[] });
    for (const fact of facts) evolve(this.state, fact, this.now, seq);
  }

  ask<K extends CommandKind>(asked: Asked<K>): Reply<K> {
    const command = {
      id: `c${this.made++}`,
      eventId,
      deadline: this.now + 1_000,
      ...asked,
    } as Command;
    const { facts, reply } = decide(this.state, command as CommandOf<K>, this.now);
    this.write(facts);
    return reply;
  }

  /** The value of a command that must succeed. */
  must<K extends CommandKind>(asked: Asked<K>): Extract<Reply<K>, { ok: true }>['value'] {
    const reply = this.ask<K>(asked);
    if (!reply.ok) throw new Error(`refused: ${reply.code} ${reply.detail}`);
    return reply.value;
  }

  open(layout: Layout, change: Partial<Terms> = {}): this {
    this.must<'open'>({ kind: 'open', version: 1, terms: termsOf(layout, change) });
    return this;
  }

  hold(n: number, buyer: number, want: Want, more: { channel?: Channel; body?: string } = {}) {
    return this.ask<'hold'>({
      kind: 'hold',
      holdId: holdId(n),
      fingerprint: more.body ?? JSON.stringify(want),
      buyerId: buyerId(buyer),
      channel: more.channel ?? 'public',
      want,
    });
  }

  /** Holds seats by id; answers the reply. */
  take(n: number, buyer: number, ...seats: string[]) {
    return this.hold(n, buyer, { by: 'seats', seats });
  }

  pin(n: number, buyer: number, booking: number) {
    return this.ask<'pin'>({
      kind: 'pin',
      holdId: holdId(n),
      buyerId: buyerId(buyer),
      bookingId: bookingId(booking),
    });
  }

  sell(n: number, booking: number, equalSeats = false) {
    return this.must<'sell'>({
      kind: 'sell',
      bookingId: bookingId(booking),
      holdId: holdId(n),
      paymentId: 'p1',
      equalSeats,
    });
  }

  unsell(n: number, booking: number, more: { seats?: readonly string[]; block?: boolean } = {}) {
    return this.must<'unsell'>({
      kind: 'unsell',
      bookingId: bookingId(booking),
      holdId: holdId(n),
      ...more,
    });
  }

  release(n: number, buyer: number) {
    return this.ask<'release'>({ kind: 'release', holdId: holdId(n), buyerId: buyerId(buyer) });
  }

  extend(n: number, buyer: number, id?: string) {
    return this.ask<'extend'>({
      kind: 'extend',
      holdId: holdId(n),
      buyerId: buyerId(buyer),
      ...(id === undefined ? {} : { id }),
    });
  }

  read(n: number, buyer: number) {
    return this.ask<'read-hold'>({ kind: 'read-hold', holdId: holdId(n), buyerId: buyerId(buyer) });
  }

  /** The state that the entries alone give. */
  replayed(): EventState {
    const state = createState(eventId);
    for (const { seq, at, facts } of this.entries) {
      for (const fact of facts) evolve(state, fact, at, seq);
    }
    return state;
  }
}

/** `ok`, or the code of the refusal. */
export const codeOf = (reply: Reply): string => (reply.ok ? 'ok' : reply.code);

/** The ids of the seats that a reply names. */
export const seatsOf = (reply: Reply<'hold'>): string[] =>
  reply.ok ? reply.value.seats.map((seat) => seat.id) : [];
