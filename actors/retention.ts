import type { EventActor } from '#actors/event-actor.ts';
import { within } from '#actors/every.ts';
import type { Members } from '#actors/members.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Journal, Snapshots } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

export type RetentionDeps = {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly members: Members;
  readonly limits: Limits;
  readonly report: (problem: string, data: Record<string, unknown>) => void;
};

const eventsPerRound = 2;
/** Keys for which nobody wakes an event once more: a wake writes two itself. */
const restMax = 16;

/**
 * Deletes keys of the journals of events that ended long ago, on the node that owns them.
 *
 * Only an owner does, so an event that sleeps is claimed first, like for a command: the claim is a
 * new newest entry, its epoch fences whoever owned the event before, and its replay has proved that
 * the snapshot carries the state. A key is deleted when the event ended and the entry was written
 * more than `keysKeptAfterEndMs` ago: the lock that it was could only be missed by an owner that
 * has been paused in one write for all that time. Head, epoch and all from the newest complete
 * snapshot on stay.
 */
export class Retention {
  readonly #d: RetentionDeps;
  /** When there is something to do again for an actor that has been through it; null: never. */
  readonly #next = new WeakMap<EventActor, number | null>();

  constructor(deps: RetentionDeps) {
    this.#d = deps;
  }

  /** Epoch ms from which keys may go; null: nothing will be to do. */
  dueAt(actor: EventActor): number | null {
    const { endsAt } = actor;
    if (endsAt === undefined) return null;
    const next = this.#next.get(actor);
    if (next === null) return null;
    return Math.max(next ?? 0, endsAt + this.#d.limits.keysKeptAfterEndMs);
  }

  async round(actors: readonly EventActor[]): Promise<void> {
    const { members, limits, report } = this.#d;
    const now = members.serverNow();
    const due = actors.filter((actor) => (this.dueAt(actor) ?? now) < now);
    for (const actor of due.slice(0, eventsPerRound)) {
      this.#next.set(actor, now + limits.compactEveryMs);
      try {
        await this.#forget(actor, now);
      } catch (error) {
        report('keys were not forgotten', { eventId: actor.eventId, error });
      }
      actor.relist();
    }
  }

  async #forget(actor: EventActor, now: number): Promise<void> {
    const { clock, journal, snapshots, limits } = this.#d;
    const { eventId } = actor;
    const owns = (): Promise<boolean> => actor.recheck().then(() => actor.phase === 'serving');
    // Whoever lost the event knows neither its terms nor its state.
    if ((await within(clock, limits.handOverMs, owns())) !== true) return;
    await within(clock, limits.handOverMs, actor.cutTail(true));
    const snapshot = await snapshots.load(eventId);
    if (snapshot === undefined || actor.phase !== 'serving') return;
    const below = Math.min(snapshot.seq, actor.seq);
    await journal.compact(eventId, below - 1, now - limits.compactionSparesMs);
    const deleted = await journal.forget(eventId, below, now - limits.keysKeptAfterEndMs);
    await snapshots.removeBelow(eventId, snapshot.seq);
    const [first] = await journal.replay(eventId, 1, 1);
    if (first === undefined || actor.seq - first.seq < restMax) {
      this.#next.set(actor, null);
    } else {
      const soonest = deleted > 0 ? now : now + limits.compactEveryMs;
      this.#next.set(actor, Math.max(first.at + limits.keysKeptAfterEndMs, soonest));
    }
  }
}
