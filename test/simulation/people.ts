import type { CommandReply } from '#actors/mailbox.ts';
import { makeId, makeScopedId, spellUlid } from '#domain/ids.ts';
import { deriveCommandId, holdIdOf } from '#domain/inventory/command-id.ts';
import type { Command, HoldView, SellReply, Want } from '#domain/inventory/commands.ts';
import type { Chance } from '#test/simulation/chance.ts';
import { book } from '#test/simulation/checkout.ts';
import { holdTtlMs, seatIds, termsOf } from '#test/simulation/event.ts';
import type { Gateway } from '#test/simulation/gateway.ts';
import type { Office } from '#test/simulation/office.ts';
import type { Scheduler } from '#test/simulation/scheduler.ts';

export type PersonOptions = {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly gateway: Gateway;
  readonly number: number;
  /** The last holds that anybody got. */
  readonly known: Known[];
  /** Nobody begins anything new once it is over. */
  readonly over: () => boolean;
  /** Longest pause between two things a buyer does, ms. */
  readonly idleMs: number;
  /** How long a slow payer takes; beyond a pin's end in long runs. */
  readonly slowMs: number;
  /** Where bookings are made. */
  readonly office: Office;
  /** How many of those who pay go there; the others ask the event themselves. */
  readonly officeShare: number;
  /** Whether the run is long enough for payments that nobody finishes. */
  readonly leaves: boolean;
};

type Known = { readonly holdId: string; readonly buyerId: string };

type Given = { readonly [K in string]: unknown } & { readonly kind: Command['kind'] };

const ulidOf = (chance: Chance): string => chance.ids().ulid();

/** Sends commands; every retry under the same id. */
class Desk {
  readonly #o: PersonOptions;
  #made = 0;

  constructor(options: PersonOptions) {
    this.#o = options;
  }

  get eventId(): string {
    return this.#o.gateway.eventId;
  }

  nextId(buyerId: string): string {
    const key = String(this.#made++);
    return deriveCommandId({ buyerId, route: 'sim', eventId: this.eventId, key });
  }

  async ask(id: string, given: Given, tries = 8): Promise<CommandReply | undefined> {
    const { eventId } = this;
    const command = { id, eventId, deadline: 0, ...given } as unknown as Command;
    return this.#o.gateway.ask(command, tries);
  }
}

const success = <T>(reply: CommandReply | undefined): T | undefined =>
  reply?.ok === true ? (reply.value as T) : undefined;

/** A buyer: holds, thinks, then pays, gives back, or goes away. */
export async function buyer(options: PersonOptions): Promise<void> {
  const { scheduler, chance, number, over, idleMs } = options;
  const desk = new Desk(options);
  const buyerId = makeId('user', spellUlid(new Uint8Array(16).fill(number + 1)));
  while (!over()) {
    await scheduler.sleep(chance.ms(1, idleMs), undefined);
    const id = desk.nextId(buyerId);
    const holdId = holdIdOf(desk.eventId, id);
    const want = wish(chance);
    const given: Given = {
      kind: 'hold',
      holdId,
      fingerprint: JSON.stringify(want),
      buyerId,
      channel: chance.hits(0.98) ? 'public' : 'presale',
      want,
    };
    const held = success<HoldView>(await desk.ask(id, given));
    if (chance.hits(0.1)) await desk.ask(id, given, 2);
    if (chance.hits(0.03)) await desk.ask(id, { ...given, fingerprint: 'another body' }, 2);
    if (chance.hits(0.03)) await meddle(options, desk, buyerId);
    if (held === undefined) continue;
    options.known.push({ holdId, buyerId });
    if (options.known.length > 6) options.known.shift();
    if (chance.hits(0.2)) await extend(options, desk, { holdId, buyerId });
    await useHold(options, desk, { holdId, buyerId, repeat: () => desk.ask(id, given, 2) });
  }
}

async function extend({ chance }: PersonOptions, desk: Desk, { holdId, buyerId }: Known) {
  const id = desk.nextId(buyerId);
  await desk.ask(id, { kind: 'extend', holdId, buyerId });
  if (chance.hits(0.2)) await desk.ask(id, { kind: 'extend', holdId, buyerId }, 2);
  // Until it is as old as a hold may become.
  if (!chance.hits(0.1)) return;
  for (let i = 0; i < 4; i++) {
    await desk.ask(desk.nextId(buyerId), { kind: 'extend', holdId, buyerId }, 2);
  }
}

/** Asks about somebody else's hold: it is not there for them. */
async function meddle({ chance, known }: PersonOptions, desk: Desk, buyerId: string) {
  const other = known.find((hold) => hold.buyerId !== buyerId);
  if (other === undefined) return;
  const kind = chance.pick(['extend', 'release', 'read-hold', 'pin'] as const);
  const bookingId = makeScopedId('booking', desk.eventId, ulidOf(chance));
  const { holdId } = other;
  await desk.ask(desk.nextId(buyerId), { kind, holdId, buyerId, bookingId }, 3);
}

type Held = {
  readonly holdId: string;
  readonly buyerId: string;
  readonly repeat: () => Promise<unknown>;
};

async function useHold(options: PersonOptions, desk: Desk, held: Held): Promise<void> {
  const { scheduler, chance } = options;
  const { holdId, buyerId } = held;
  const plan = chance.float();
  if (plan < 0.25) {
    await desk.ask(desk.nextId(buyerId), { kind: 'release', holdId, buyerId });
    if (chance.hits(0.3)) await held.repeat();
  } else if (plan < 0.45) {
    // Forgets it: the hold runs out.
    await scheduler.sleep(chance.ms(0, holdTtlMs * 1.3), undefined);
    await desk.ask(desk.nextId(buyerId), { kind: 'read-hold', holdId, buyerId }, 3);
    if (chance.hits(0.3)) await held.repeat();
  } else if (chance.hits(options.officeShare)) {
    await book(options, held, async () => {
      await desk.ask(desk.nextId(buyerId), { kind: 'release', holdId, buyerId });
    });
  } else {
    await checkOut(options, desk, held);
  }
}

async function checkOut(options: PersonOptions, desk: Desk, held: Held): Promise<void> {
  const { scheduler, chance, slowMs } = options;
  const { holdId, buyerId } = held;
  const bookingId = makeScopedId('booking', desk.eventId, ulidOf(chance));
  if (chance.hits(0.9)) {
    await desk.ask(desk.nextId(buyerId), { kind: 'pin', holdId, buyerId, bookingId });
  }
  await scheduler.sleep(chance.hits(0.2) ? slowMs : chance.ms(5, 1_200), undefined);
  if (chance.hits(0.15)) {
    await giveUp(desk, { bookingId, holdId, buyerId });
    if (chance.hits(0.3)) {
      await desk.ask(desk.nextId(buyerId), { kind: 'pin', holdId, buyerId, bookingId }, 2);
    }
    return;
  }
  // Somebody gives the seats back in another window while the checkout runs.
  if (chance.hits(0.1)) {
    await desk.ask(desk.nextId(buyerId), { kind: 'release', holdId, buyerId });
  }
  if (chance.hits(0.02)) await sellNothing(desk, buyerId, ulidOf(chance));
  const sell: Given = {
    kind: 'sell',
    bookingId,
    holdId,
    paymentId: 'pay',
    equalSeats: chance.hits(0.5),
  };
  const id = desk.nextId(buyerId);
  // A sale is asked for until it is answered, and now and then once more.
  const first = success<SellReply>(await desk.ask(id, sell, 40));
  if (chance.hits(0.1)) await held.repeat();
  if (chance.hits(0.15)) await desk.ask(id, sell, 3);
  // What is done with a hold that was sold is refused.
  if (chance.hits(0.1))
    await desk.ask(desk.nextId(buyerId), { kind: 'pin', holdId, buyerId, bookingId }, 2);
  if (chance.hits(0.1))
    await desk.ask(desk.nextId(buyerId), { kind: 'extend', holdId, buyerId }, 2);
  if (chance.hits(0.1))
    await desk.ask(desk.nextId(buyerId), { kind: 'release', holdId, buyerId }, 2);
  if (first?.outcome === 'sold' && chance.hits(0.3)) {
    const seats = [chance.pick(first.seats).id, chance.pick(seatIds)];
    const block = chance.hits(0.2) ? { block: true } : {};
    const part: Given = { kind: 'unsell', bookingId, holdId, seats, ...block };
    await desk.ask(desk.nextId(buyerId), part, 40);
  }
  if (first === undefined || chance.hits(0.6)) await giveUp(desk, { bookingId, holdId, buyerId });
  // A pin that was long under way.
  if (chance.hits(0.1)) {
    await desk.ask(desk.nextId(buyerId), { kind: 'pin', holdId, buyerId, bookingId }, 2);
  }
  if (chance.hits(0.15)) await desk.ask(id, sell, 3);
}

/** A sale of a hold that there never was. */
const sellNothing = (desk: Desk, buyerId: string, ulid: string) => {
  const bookingId = makeScopedId('booking', desk.eventId, ulid);
  const holdId = makeScopedId('reservation', desk.eventId, ulid);
  const sell: Given = { kind: 'sell', bookingId, holdId, paymentId: 'pay', equalSeats: false };
  return desk.ask(desk.nextId(buyerId), sell, 4);
};

const giveUp = (desk: Desk, sale: Known & { readonly bookingId: string }) =>
  desk.ask(
    desk.nextId(sale.buyerId),
    { kind: 'unsell', bookingId: sale.bookingId, holdId: sale.holdId },
    40,
  );

function wish(chance: Chance): Want {
  const kind = chance.float();
  if (kind < 0.25) return { by: 'best', quantity: chance.int(1, 3) };
  if (kind < 0.4) return { by: 'area', area: 'floor', quantity: chance.int(1, 3) };
  const first = chance.int(0, seatIds.length - 1);
  const count = chance.int(1, 3);
  return { by: 'seats', seats: seatIds.slice(first, first + count) };
}

/**
 * Somebody who asks one certain node about the last holds, again and again, whoever owns the event:
 * what an old owner says must have been true meanwhile.
 */
export async function onlooker(options: PersonOptions, nodeId: string): Promise<void> {
  const { scheduler, chance, gateway, known, over } = options;
  for (let n = 0; !over(); n++) {
    await scheduler.sleep(chance.ms(20, 120), undefined);
    if (known.length === 0) continue;
    const { holdId, buyerId } = chance.pick(known);
    const { eventId } = gateway;
    const id = `${nodeId}-look-${n}`;
    const how = chance.hits(0.5) ? { unproven: true as const } : {};
    const command = {
      id,
      eventId,
      deadline: 0,
      kind: 'read-hold',
      holdId,
      buyerId,
      ...how,
    } as const;
    void gateway.askAt(nodeId, command);
  }
}

/** The organizer: opens, and changes things now and then, strictly in order. */
export async function organizer(
  options: PersonOptions & { readonly from: { readonly version: number; readonly chart: number } },
): Promise<void> {
  const { scheduler, chance, over } = options;
  const desk = new Desk(options);
  let { version, chart } = options.from;
  const kind = version === 1 ? 'open' : 'change-terms';
  await send(desk, { kind, version, terms: termsOf('open', chart) }, () => false);
  while (!over()) {
    await scheduler.sleep(chance.ms(300, 2_500), undefined);
    version++;
    const plan = chance.float();
    if (plan > 0.65 && plan <= 0.8) chart++;
    const given = changeOf(chance, plan, chart);
    // A change is repeated until it is answered: the next may only follow then.
    await send(desk, { ...given, version }, over);
    if (chance.hits(0.05))
      await desk.ask(desk.nextId('org'), { ...given, version: version + 5 }, 2);
    if (plan <= 0.8) continue;
    await scheduler.sleep(chance.ms(50, 600), undefined);
    version++;
    const again: Given = { kind: 'change-terms', version, terms: termsOf('open', chart) };
    await send(desk, again, () => false);
  }
}

function changeOf(chance: Chance, plan: number, chart: number): Given {
  const seats = [chance.pick(seatIds), chance.pick(seatIds)];
  if (plan < 0.35) return { kind: 'block', seats };
  if (plan <= 0.65) return { kind: 'unblock', seats: seatIds };
  return { kind: 'change-terms', terms: termsOf(plan <= 0.8 ? 'open' : 'paused', chart) };
}

async function send(desk: Desk, given: Given, over: () => boolean): Promise<void> {
  const id = desk.nextId('org');
  for (let tries = 0; tries < 50; tries++) {
    if ((await desk.ask(id, given))?.ok === true || over()) return;
  }
}
