import { describe, expect, it } from '@jest/globals';
import { codeOf, dataOf } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { BundleWorld, bundleContradictions, eventIds } from '#test/unit/flows/bundle-world.ts';
import { Mortal } from '#test/unit/flows/world.ts';

const caught = (run: Promise<unknown>): Promise<unknown> =>
  run.then(
    () => undefined,
    (error: unknown) => error,
  );
const states = (world: BundleWorld) => [world.events.of(0).state, world.events.of(1).state];
const packageId = (world: BundleWorld) => world.fresh().packageId;

describe('holding the events of a package', () => {
  it('holds each, in the order of their ids, at the price of the package', async () => {
    const world = new BundleWorld();
    const { members, deadline, step } = await world.reserve();
    expect([step, states(world)]).toEqual(['held', ['held', 'held']]);
    expect(members.map(({ held }) => held?.quote.total)).toEqual([4_501, 2_700]);
    expect(members.map(({ held }) => held?.separately)).toEqual([5_001, 3_000]);
    expect(deadline).toBe(world.events.of(0).hold.deadline);
  });

  it('answers the same for the same request', async () => {
    const world = new BundleWorld();
    const first = await world.reserve();
    expect(await world.reserve()).toEqual(first);
  });

  it.each([0, 1] as const)('gives all back when event %i refuses, and names it', async (n) => {
    const world = new BundleWorld();
    world.packages(3);
    world.events.refuses.set(eventIds[n], 'sold-out');
    const error = await caught(world.reserve());
    expect([codeOf(error), dataOf(error).eventId]).toEqual(['sold-out', eventIds[n]]);
    expect(states(world)).toEqual(['released', 'released']);
    expect(await world.bundle()).toMatchObject({ step: 'done', reason: 'sold-out' });
    expect(world.bundles.packages.get(packageId(world))?.taken).toBe(0);
    // The same request is decided anew.
    world.events.refuses.clear();
    expect((await world.reserve()).step).toBe('held');
    expect(world.bundles.packages.get(packageId(world))?.taken).toBe(2);
  });

  it('keeps to the limit of its package', async () => {
    const world = new BundleWorld();
    world.packages(1);
    expect(codeOf(await caught(world.reserve()))).toBe('sold-out');
    expect(states(world)).toEqual(['released', 'released']);
  });

  it('goes on under the same request when an answer did not come', async () => {
    const world = new BundleWorld();
    world.events.refuses.set(eventIds[1], 'unavailable');
    expect(codeOf(await caught(world.reserve()))).toBe('unavailable');
    expect(states(world)).toEqual(['held', 'released']);
    world.events.refuses.clear();
    expect((await world.reserve()).step).toBe('held');
  });

  it('is not begun anew before what it held is given back', async () => {
    const world = new BundleWorld();
    world.packages(2);
    world.events.refuses.set(eventIds[1], 'sold-out');
    world.events.away = true;
    await caught(world.reserve());
    world.events.refuses.clear();
    expect(codeOf(await caught(world.reserve()))).toBe('request-in-progress');
    expect(world.bundles.packages.get(packageId(world))?.taken).toBe(2);
    world.events.away = false;
    expect((await world.reserve()).step).toBe('held');
    expect(world.bundles.packages.get(packageId(world))?.taken).toBe(2);
  });

  it('is given back by the flow when nobody goes on, and at its deadline', async () => {
    const world = new BundleWorld();
    world.packages(2);
    world.events.refuses.set(eventIds[1], 'unavailable');
    await caught(world.reserve());
    await world.pass(limits.idempotencyLockMs + 2_000);
    expect([states(world), (await world.bundle()).reason]).toEqual([
      ['released', 'released'],
      'abandoned',
    ]);
    world.events.refuses.clear();
    await world.reserve();
    await world.pass(limits.holdTtlMs + 2_000);
    expect((await world.bundle()).reason).toBe('reservation-expired');
    expect(world.bundles.packages.get(packageId(world))?.taken).toBe(0);
    expect(bundleContradictions(world)).toEqual([]);
  });

  it.each(['die-before', 'die-after'] as const)('killed at any call (%s)', async (does) => {
    for (const refused of [false, true]) {
      for (let at = 1; ; at++) {
        const world = new BundleWorld();
        world.packages(2);
        if (refused) world.events.refuses.set(eventIds[1], 'sold-out');
        const mortal = new Mortal({ at, does });
        await caught(world.reserve(mortal));
        world.events.refuses.clear();
        // The lock of the dead request runs out, then its buyer asks again.
        world.clock.advance(1_000);
        const { step } = await world.reserve();
        const taken = world.bundles.packages.get(packageId(world))?.taken;
        expect([does, at, step, ...states(world), taken]).toEqual([
          ...[does, at, 'held', 'held', 'held', 2],
        ]);
        await world.pass(limits.holdTtlMs + limits.stepRetryMs);
        expect([does, at, ...bundleContradictions(world)]).toEqual([does, at]);
        expect(world.bundles.packages.get(packageId(world))?.taken).toBe(0);
        if (!mortal.dead) break;
      }
    }
  });
});
