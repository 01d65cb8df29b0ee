import type { Bundle, Member } from '#domain/bundle.ts';
import { holdingUntil } from '#domain/bundle.ts';
import {
  type BundleChange,
  bundleHeld,
  bundleReleasing,
  bundleReopened,
} from '#domain/bundle-moves.ts';
import { codeOf, dataOf, UsherError } from '#domain/errors.ts';
import { fingerprintOf } from '#domain/inventory/command-id.ts';
import type { HoldView } from '#domain/inventory/commands.ts';
import { limits } from '#domain/limits.ts';
import { type BundlePorts, bundleStep } from '#flows/bundle.flow.ts';
import { isTerminal } from '#flows/cancellation.flow.ts';

export type HoldWish = {
  /** As it is written where its id is new. */
  readonly fresh: Bundle;
  readonly currency: string;
  /** Event → the category that the package has of it. */
  readonly categories: ReadonlyMap<string, string>;
  /** Epoch ms. */
  readonly deadline: number;
};

/**
 * Holds all events of a bundle, one after the other in the order of their ids, or none. Run again
 * under the same id it goes on with what it finds: holds that are there are met again. Rejects with
 * what one event refused (`data.eventId` names it) once the others are given back, `sold-out` when
 * the package has no more, `request-in-progress`; or with what leaves the outcome unknown: then the
 * same request goes on, or the flow gives the holds back.
 */
export async function holdAll(wish: HoldWish, ports: BundlePorts): Promise<Bundle> {
  const b = await begin(wish, ports);
  if (b.step !== 'hold') return b;
  const holds: HoldView[] = [];
  for (const member of b.members) {
    try {
      holds.push(await hold(b, member, wish, ports));
    } catch (error) {
      if (!isTerminal(error)) throw error;
      await giveBack(b, codeOf(error) ?? 'refused', ports);
      throw named(error, member.eventId);
    }
  }
  return written(bundleHeld(b, holds, ports.clock.now()), ports);
}

/** The bundle as it is to be held, or as it was answered before. */
async function begin({ fresh }: HoldWish, ports: BundlePorts): Promise<Bundle> {
  const { bundles, clock } = ports;
  const inserted = await bundles.insert(fresh);
  if (inserted === 'inserted') return fresh;
  const found = await bundles.find(fresh.bundleId);
  if (found === undefined) throw new UsherError('sold-out', 'The package is sold out');
  switch (found.step) {
    case 'hold':
    case 'release': {
      const taken = await bundles.take(found, holdingUntil(clock.now()));
      if (taken === undefined) throw running();
      if (taken.step === 'hold') return taken;
      const released = await written(await bundleStep(taken, ports), ports);
      // What it holds is not given back yet: first that, then anew.
      if (released.step !== 'done') throw running();
      return written(bundleReopened(released, fresh, clock.now()), ports);
    }
    case 'done':
      if (found.order !== undefined) return found;
      return written(bundleReopened(found, fresh, clock.now()), ports);
    case 'held':
    case 'order':
      return found;
  }
}

async function hold(b: Bundle, member: Member, wish: HoldWish, ports: BundlePorts) {
  const { inventory, clock } = ports;
  const { eventId, commandId: id, reservationId: holdId, want } = member;
  const held = await inventory.execute<'hold'>({
    kind: 'hold',
    id,
    eventId,
    holdId,
    fingerprint: fingerprintOf(want),
    buyerId: b.buyerId,
    channel: 'public',
    want,
    deadline: Math.min(wish.deadline, clock.now() + limits.callTimeoutMs),
  });
  if (held.quote.currency !== wish.currency) {
    throw new UsherError('state-forbids', 'Its currency is not that of the package');
  }
  const category = wish.categories.get(eventId);
  if (category !== undefined && held.seats.some((seat) => seat.category !== category)) {
    throw new UsherError('seats-unavailable', `The package has seats of category ${category}`, {
      seats: held.seats.map((seat) => seat.id),
    });
  }
  return held;
}

/** What cannot be given back now is by the flow. */
async function giveBack(b: Bundle, why: string, ports: BundlePorts): Promise<void> {
  const releasing = await written(bundleReleasing(b, why, ports.clock.now()), ports);
  await written(await bundleStep(releasing, ports), ports);
}

async function written(change: BundleChange, ports: BundlePorts): Promise<Bundle> {
  const result = await ports.bundles.commit(change);
  if (result === 'done') {
    ports.bundleWatcher.changed(change);
    return change.bundle;
  }
  if (result === 'sold-out') throw new UsherError('sold-out', 'The package is sold out');
  throw running();
}

const running = () => new UsherError('request-in-progress', undefined, { retryAfterSeconds: 1 });

function named(error: unknown, eventId: string): UsherError {
  const code = codeOf(error) ?? 'state-forbids';
  const detail = error instanceof Error ? error.message : String(error);
  return new UsherError(code, `${eventId}: ${detail}`, { ...dataOf(error), eventId });
}
