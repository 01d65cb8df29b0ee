import type { PackageRow } from '#adapters/store/package-rows.ts';
import { cardTotal } from '#domain/bill.ts';
import type { Booking } from '#domain/booking.ts';
import type { Bundle } from '#domain/bundle.ts';
import { codeOf } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import type { BundleWatcher } from '#flows/bundle.flow.ts';
import { cancelOf } from '#services/bundles/cancelling.ts';
import type { OrderDesk } from '#services/bundles/desk.ts';
import { beginOrder } from '#services/bundles/ordering.ts';
import { releaseOf, reserveOf } from '#services/bundles/reserving.ts';
import { eventIds } from '#test/simulation/event.ts';
import { codesOf, isOfferRefusal } from '#test/simulation/offers.ts';
import type { Office } from '#test/simulation/office.ts';
import type { PersonOptions } from '#test/simulation/people.ts';
import { type Token, tokens } from '#test/simulation/provider.ts';

/** Both events of a run at a fifth off; so few of it that its limit is met. */
const offer: PackageRow = {
  _id: makeId('package', '01ARZ3NDEKTSV4RRFFQ69G5FAV'),
  organizerId: makeId('organizer', '01ARZ3NDEKTSV4RRFFQ69G5FAV'),
  name: 'Both',
  currency: 'EUR',
  events: eventIds.map((eventId) => ({ eventId })),
  price: { by: 'discount', basisPoints: 2_000 },
  opensAt: null,
  closesAt: null,
  limit: 6,
  taken: 0,
  divisible: true,
  disabled: false,
  version: 1,
  createdAt: 0,
  updatedAt: 0,
};

export const offered = { packageId: offer._id, limit: 6 } as const;

/** What nodes say of the course of bundles; a defect in a step ends the run. */
export function bundleWatcherOf(
  name: string,
  o: {
    readonly trace: (line: string) => void;
    readonly reached: (branch: string) => void;
    readonly fail: (problem: string) => void;
    readonly isExpected: (error: unknown) => boolean;
  },
): BundleWatcher {
  const stepOf = ({ order, step }: Bundle): string =>
    order === undefined ? step : `${order.status}/${order.step}`;
  return {
    changed: ({ bundle }) => {
      o.trace(`${name} ${bundle.bundleId} v${bundle.version} → ${stepOf(bundle)}`);
      o.reached(`bundle: ${stepOf(bundle)}`);
      for (const branch of offersIn(bundle)) o.reached(branch);
    },
    trouble: (bundle, error) => {
      o.reached(`bundle: ${stepOf(bundle)} → unknown`);
      o.trace(`${name} ${bundle.bundleId}: ${codeOf(error) ?? String(error)}`);
      if (!o.isExpected(error)) o.fail(`a defect in step ${stepOf(bundle)}: ${error}`);
    },
    alarm: ({ bundleId, order }) => {
      if (order?.alarm !== 'refund-failed') o.fail(`${bundleId}: ${order?.alarm}`);
    },
  };
}

/** Ends of orders that a promo code or a voucher was brought to. */
function offersIn({ order, step }: Bundle): readonly string[] {
  if (order === undefined || step !== 'done') return [];
  const { promo, voucher } = order.bill ?? {};
  const way = cardTotal(order) === 0 ? 'alone' : 'beside a card';
  return [
    ...(promo === undefined ? [] : [`bundle: promo code → ${order.status}`]),
    ...(voucher === undefined ? [] : [`bundle: voucher ${way} → ${order.status}`]),
  ];
}

type Options = PersonOptions & { readonly buyerId: string };

const passing = ['unavailable', 'outcome-unknown', 'request-in-progress', 'stale-version'];

/** Asks again, under the same key, until there is an answer or a refusal that stays. */
async function asked<T extends object>(
  { chance, office, over, scheduler }: Options,
  act: (desk: OrderDesk) => Promise<T>,
): Promise<T | undefined> {
  for (let tries = 0; tries < 6 && !over(); tries++) {
    const answer = await office.ofBundles(act);
    if (typeof answer === 'object') return answer;
    if (answer !== undefined && !passing.includes(answer)) return undefined;
    await scheduler.sleep(chance.ms(10, 500), undefined);
  }
  return undefined;
}

/** A buyer of packages: reserves both events, then orders, gives back, or goes away. */
export async function packageBuyer(options: Options): Promise<void> {
  const { scheduler, chance, over, idleMs, buyerId } = options;
  while (!over()) {
    await scheduler.sleep(chance.ms(1, idleMs * 3), undefined);
    const wish = { userId: buyerId, quantity: chance.int(1, 2), seats: {} };
    const request = { ...wish, ulid: chance.ids().ulid() };
    const deadline = (): number => scheduler.serverNow() + 5_000;
    const reserve = () => asked(options, (desk) => reserveOf(desk, offer, request, deadline()));
    let held = await reserve();
    // A refusal is decided anew under the same key.
    for (let i = 0; i < 3 && held === undefined && chance.hits(0.7); i++) held = await reserve();
    if (held === undefined) continue;
    const plan = chance.float();
    if (plan < 0.15) continue;
    if (plan < 0.3) await asked(options, (desk) => given(desk, held.bundleId));
    else await order(options, held);
  }
}

/** In another window the hold of one event is given back. */
const releaseOne = ({ chance }: Options, { buyerId, members }: Bundle) => {
  const { eventId, reservationId: holdId } = chance.pick(members);
  const base = { id: chance.ids().ulid(), eventId, holdId, buyerId, deadline: 0 };
  return async (desk: OrderDesk): Promise<object> =>
    desk.ports.inventory.execute<'release'>({ kind: 'release', ...base });
};

/** Support cancels the booking of one event while the order of all may still run. */
async function cancelOne(options: Options, { buyerId, members }: Bundle): Promise<void> {
  const { chance, office } = options;
  const { bookingId } = chance.pick(members);
  const reason = { actor: 'usr', reason: 'cancelled-by-support', waiveRules: true } as const;
  await office.cancel({ bookingId, buyerId, key: chance.ids().ulid(), order: reason });
}

async function given(desk: OrderDesk, bundleId: string): Promise<object> {
  await releaseOf(desk, await found(desk, bundleId));
  return {};
}

async function found({ ports }: OrderDesk, bundleId: string): Promise<Bundle> {
  const b = await ports.bundles.find(bundleId);
  if (b === undefined) throw new Error(`${bundleId} is gone`);
  return b;
}

function methodOf({ chance, leaves }: Options): Token {
  if (chance.hits(0.4)) return 'ok';
  const token = chance.pick(tokens);
  return token === '3ds-forgotten' && !leaves ? '3ds' : token;
}

/** Asks under one key; a code that is not to be had is left away with the next. */
async function begin(
  options: Options,
  bundleId: string,
  token: Token,
  codes: ReturnType<typeof codesOf> = {},
): Promise<Bundle | undefined> {
  const { chance } = options;
  let refused = false;
  const wish = { token, equalSeats: chance.hits(0.5), attendees: [], ...codes };
  const key = chance.ids().ulid();
  const begun = await asked(options, async (desk) =>
    beginOrder(desk, await found(desk, bundleId), { ...wish, key }).catch((error: unknown) => {
      refused ||= isOfferRefusal(codeOf(error) ?? '');
      throw error;
    }),
  );
  return begun === undefined && refused ? begin(options, bundleId, token) : begun;
}

/** Repeated under the same key until there is an answer. */
export async function cancelBundle(
  { chance, office, scheduler }: Pick<PersonOptions, 'chance' | 'office' | 'scheduler'>,
  bundleId: string,
): Promise<void> {
  const key = chance.ids().ulid();
  for (let tries = 0; tries < 6; tries++) {
    const answer = await office.ofBundles((desk) =>
      cancelOf(desk, () => found(desk, bundleId), { key }),
    );
    if (typeof answer === 'string' && !passing.includes(answer)) return;
    if (typeof answer === 'object') return;
    await scheduler.sleep(chance.ms(10, 500), undefined);
  }
}

async function order(options: Options, held: Bundle): Promise<void> {
  const { scheduler, chance, office, over } = options;
  const { bundleId } = held;
  if ((await begin(options, bundleId, methodOf(options), codesOf(chance))) === undefined) return;
  if (chance.hits(0.25)) {
    await scheduler.sleep(chance.ms(10, 600), undefined);
    await asked(options, releaseOne(options, held));
  }
  if (chance.hits(0.15)) await cancelOne(options, held);
  const early = chance.hits(0.2) ? chance.int(0, 8) : -1;
  for (let look = 0; look < 60 && !over(); look++) {
    await scheduler.sleep(chance.ms(20, 600), undefined);
    const b = await office.bundles.find(bundleId);
    if (look === early) await cancelBundle(options, bundleId);
    if (b?.order?.status === 'declined') {
      if (chance.hits(0.5)) await begin(options, bundleId, methodOf(options));
      else await cancelBundle(options, bundleId);
    }
    if (b?.step !== 'done') continue;
    if (b.order?.status === 'confirmed' && chance.hits(0.4)) await cancelBundle(options, bundleId);
    return;
  }
}

/** Bundles that still have something to do. */
export const openBundles = ({ bundles }: Office): readonly Bundle[] =>
  bundles.contents.filter((b) => b.dueAt !== undefined);

/** What bookings cost together, and what vouchers pay of it. */
function sumsOf(bookings: readonly Booking[]): string {
  const cost = bookings.reduce((sum, { quote }) => sum + quote.total, 0);
  const byVoucher = bookings.reduce((sum, { bill }) => sum + (bill?.voucher?.amount ?? 0), 0);
  return `${cost}, ${byVoucher} of it by voucher`;
}

/** What does not agree between bundles and their bookings when all has come to rest. */
export function* bundleContradictions({ bundles, store }: Office): Generator<string> {
  const { bookings, tickets } = store.contents;
  let taken = 0;
  for (const b of bundles.contents) {
    const { bundleId, order } = b;
    if (b.dueAt !== undefined) yield `${bundleId} at ${b.step} is still due`;
    if (b.counted) taken += b.quantity;
    const parts = bookings.filter((one) => one.bundle?.bundleId === bundleId);
    if (order !== undefined && sumsOf([order]) !== sumsOf(parts)) {
      yield `${bundleId} costs ${sumsOf([order])}, its bookings ${sumsOf(parts)}`;
    }
    if (parts.length !== (order === undefined ? 0 : b.members.length)) {
      yield `${bundleId} has ${parts.length} bookings`;
    }
    const sold = parts.filter(({ saleWritten }) => saleWritten).length;
    if (sold !== (order?.status === 'confirmed' ? parts.length : 0)) {
      yield `${bundleId} is ${order?.status} with ${sold} of ${parts.length} sold`;
    }
    const ids = parts.map(({ bookingId }) => bookingId);
    const active = tickets.some((t) => t.active && ids.includes(t.bookingId));
    if (active && order?.status !== 'confirmed') yield `${bundleId} has tickets unpaid`;
  }
  const counted = bundles.packages.get(offered.packageId)?.taken ?? taken;
  if (counted !== taken) yield `its package counts ${counted} taken, not ${taken}`;
}
