import { describe, expect, it } from '@jest/globals';
import type { Bundle } from '#domain/bundle.ts';
import { codeOf } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { BundleWorker } from '#flows/bundle.worker.ts';
import type { OrderDesk } from '#services/bundles/desk.ts';
import { beginOrder } from '#services/bundles/ordering.ts';
import { BundleWorld, bundleContradictions } from '#test/unit/flows/bundle-world.ts';
import { promoOf } from '#test/unit/flows/offers.ts';
import { buyerId, Mortal } from '#test/unit/flows/world.ts';

const rule = promoOf({ perBuyerMax: 1 });

/** A core node that may die at any call of a checkout; the flows it begins run on a healthy one. */
function deskOf(world: BundleWorld, mortal = new Mortal()): OrderDesk {
  const { claims } = world.store;
  const offers = {
    of: async () => ({
      promo: {
        rule,
        uses: { inAll: claims.uses(rule.promoId), byBuyer: claims.uses(rule.promoId, buyerId) },
      },
      voucher: [...claims.vouchers.values()][0],
    }),
  };
  const desk = {
    ports: world.ports(mortal),
    worker: new BundleWorker(world.ports()),
    offers: mortal.wrap(offers),
    events: mortal.wrap({ of: async () => undefined }),
  };
  return desk as unknown as OrderDesk;
}

/** A node takes the request as it comes: the bundle is read anew. */
async function order(world: BundleWorld, desk: OrderDesk, key = 'key-1'): Promise<Bundle> {
  const wish = { ...world.wish('ok', key), promoCode: 'early', voucher: 'code' };
  return beginOrder(desk, await world.bundle(), wish);
}

async function heldWorld(): Promise<BundleWorld> {
  const world = new BundleWorld().withPromo(rule).withVoucher(3_000);
  await world.reserve();
  return world;
}

const claimsOf = ({ store }: BundleWorld) => ({
  bookings: store.contents.bookings.length,
  uses: store.claims.uses(rule.promoId, buyerId),
  balances: [...store.claims.vouchers.values()].map(({ balance }) => balance),
});
const taken = { bookings: 2, uses: 1, balances: [0] };
const nothing = { bookings: 0, uses: 0, balances: [3_000] };

describe('a checkout of a package with a promo code and a voucher', () => {
  it('takes both once, wherever its node dies, and its repetition goes on with it', async () => {
    const whole = new Mortal();
    const calm = await heldWorld();
    await order(calm, deskOf(calm, whole));
    expect(claimsOf(calm)).toEqual(taken);
    expect(whole.calls).toBeGreaterThan(3);
    for (let at = 1; at <= whole.calls; at++) {
      for (const does of ['die-before', 'die-after'] as const) {
        const world = await heldWorld();
        await expect(order(world, deskOf(world, new Mortal({ at, does })))).rejects.toThrow();
        const { bookings } = claimsOf(world);
        expect(claimsOf(world)).toEqual(bookings === 0 ? nothing : taken);
        await order(world, deskOf(world));
        await world.pass(30_000);
        const about = `${does} at call ${at}`;
        const all = ['confirmed', 'confirmed', 'confirmed'];
        expect([about, ...(await world.statuses())]).toEqual([about, ...all]);
        expect(claimsOf(world)).toEqual(taken);
        expect([about, ...bundleContradictions(world)]).toEqual([about]);
      }
    }
  });

  it('whose node dies, and that nobody repeats, is sold or given back as a whole', async () => {
    for (const does of ['die-before', 'die-after'] as const) {
      for (let at = 1; ; at++) {
        const world = await heldWorld();
        const mortal = new Mortal({ at, does });
        await order(world, deskOf(world, mortal)).catch(() => undefined);
        if (!mortal.dead) break;
        await world.pass(limits.holdTtlMs + 60_000);
        const { bookings } = claimsOf(world);
        const about = `${does} at call ${at}`;
        expect([about, claimsOf(world)]).toEqual([about, bookings === 0 ? nothing : taken]);
        expect([about, ...bundleContradictions(world)]).toEqual([about]);
      }
    }
  });

  it('run twice at the same moment is one order, though the code is good for one', async () => {
    const world = await heldWorld();
    const gate = Promise.withResolvers<void>();
    // It has read the bundle, and asks what its code stands for when the other has taken it.
    const late = new Mortal({ at: 1, does: 'pause-before', until: gate.promise });
    const slower = order(world, deskOf(world, late));
    const faster = await order(world, deskOf(world));
    gate.resolve();
    expect((await slower).order?.attempts).toHaveLength(1);
    expect(faster.order?.attempts).toHaveLength(1);
    await world.pass(30_000);
    expect(claimsOf(world)).toEqual(taken);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it('that another was faster than is refused, and takes nothing', async () => {
    const world = await heldWorld();
    const gate = Promise.withResolvers<void>();
    const late = new Mortal({ at: 1, does: 'pause-before', until: gate.promise });
    const slower = order(world, deskOf(world, late), 'key-2');
    await order(world, deskOf(world));
    gate.resolve();
    const refused = await slower.then(
      () => undefined,
      (error: unknown) => codeOf(error),
    );
    expect(refused).toBe('promo-code-used-up');
    expect(claimsOf(world)).toEqual(taken);
  });
});
