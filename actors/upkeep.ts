import type { Writer } from '#actors/entries.ts';
import type { EventActor } from '#actors/event-actor.ts';
import { inParallel, within } from '#actors/every.ts';
import type { Members } from '#actors/members.ts';
import { Retention } from '#actors/retention.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Directory, DirectoryRow, Journal, Snapshots } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';
import { rankNodes } from '#domain/placement.ts';

export type UpkeepDeps = Writer & {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly directory: Directory;
  readonly members: Members;
  readonly limits: Limits;
  readonly actors: ReadonlyMap<string, EventActor>;
  /** Tells another node that an event was handed to it; may be lost. */
  readonly invite: (nodeId: string, eventId: string) => void;
  readonly report: (problem: string, data: Record<string, unknown>) => void;
};

/** How much of one kind of work one round takes on, and at once. */
const perRound = { rows: 500, handOvers: 100, compactions: 4 } as const;
const atOnce = 16;
/**
 * Few moves at once keep each event's gap short, and nothing waits for the last one, while nodes
 * that have just started get events of all others. Who should not own gives up more at once.
 */
const moving = {
  better: { atOnce: 1, perRound: 25 },
  leaving: { atOnce: 4, perRound: 100 },
} as const;

type Leaving = 'to-others' | 'anyhow';

type Loose = { readonly epoch: number; readonly last: DirectoryRow | undefined };

/** What a host does about once a second for the events it holds. */
export class Upkeep {
  readonly #d: UpkeepDeps;
  /** Up to which seq, and when (monotonic ms), an actor's journal was compacted last. */
  readonly #compacted = new WeakMap<EventActor, { readonly seq: number; readonly at: number }>();

  /** Events that were let go, with what is known of them, until the directory says so. */
  readonly #loose = new Map<string, Loose>();
  readonly #retention: Retention;

  constructor(deps: UpkeepDeps) {
    this.#d = deps;
    this.#retention = new Retention(deps);
  }

  /**
   * `leaving`: this node should not own, everything is to go and not only what is better elsewhere;
   * `to-others`: where there is another node.
   */
  async round(leaving: Leaving | false): Promise<void> {
    await this.#listLoose();
    await this.#refreshDirectory();
    await this.#passivate();
    await this.#moveAway(leaving);
    await this.#compact();
    await this.#retention.round(this.#serving());
  }

  /** Hands everything to others, where there are any that take events. */
  giveAway(): Promise<void> {
    return this.#moveAway('to-others');
  }

  /**
   * Hands one event over to a node, or to nobody; answers whether that was committed within
   * `handOverMs`. Later is not too late: it goes on.
   */
  async handOver(actor: EventActor, to: string | null): Promise<boolean> {
    const { clock, limits } = this.#d;
    const done = await within(clock, limits.handOverMs, this.#handOver(actor, to));
    return done === true;
  }

  async #handOver(actor: EventActor, to: string | null): Promise<boolean> {
    const { clock, limits } = this.#d;
    // While it still serves: what the next owner has to replay is the time nobody does.
    if (to !== null) await within(clock, limits.handOverMs / 2, actor.cutTail());
    if (!(await actor.handOver(to))) return false;
    // The next owner comes first: until it has claimed the event nobody serves it.
    if (to !== null) this.#d.invite(to, actor.eventId);
    this.letGo(actor.eventId, actor.epoch, this.#row(actor));
    await this.#list(actor.eventId);
    return true;
  }

  /** An event that was this node's is so no more: the directory is to show that nobody holds it. */
  letGo(eventId: string, epoch: number, last?: DirectoryRow): void {
    this.#loose.set(eventId, { epoch, last });
  }

  /** The node that should own the event if this one does not; null: none is there. */
  otherOwner(eventId: string): string | null {
    return rankNodes(eventId, this.#d.members.settledPeers())[0] ?? null;
  }

  /** Whoever sweeps for events without an owner finds them by their rows. */
  async #listLoose(): Promise<void> {
    for (const eventId of [...this.#loose.keys()]) {
      if (!(await this.#list(eventId))) return;
    }
  }

  /** False when the directory did not answer. */
  async #list(eventId: string): Promise<boolean> {
    const { directory, report, actors } = this.#d;
    const loose = this.#loose.get(eventId);
    if (loose === undefined) return true;
    try {
      const row = loose.last ?? (await directory.find(eventId));
      const stale = row?.epoch === loose.epoch && !actors.has(eventId);
      if (stale) await directory.refresh([{ ...row, owner: null, incarnation: null }]);
      if (this.#loose.get(eventId) === loose) this.#loose.delete(eventId);
      return true;
    } catch (error) {
      report('a directory row is stale', { eventId, error });
      return false;
    }
  }

  async #refreshDirectory(): Promise<void> {
    const changed = [...this.#d.actors.values()].filter((actor) => actor.takeUnlisted());
    for (let i = 0; i < changed.length; i += perRound.rows) {
      const part = changed.slice(i, i + perRound.rows);
      try {
        await this.#d.directory.refresh(part.map((actor) => this.#row(actor)));
      } catch (error) {
        for (const actor of part) actor.relist();
        throw error;
      }
    }
  }

  /** Gives up what nobody uses and where nothing runs out. */
  async #passivate(): Promise<void> {
    const { clock, limits, directory } = this.#d;
    const isIdle = ({ usedAt, nextExpiry }: EventActor): boolean =>
      usedAt < clock.monotonic() - limits.passivateAfterIdleMs && nextExpiry === null;
    const idle = this.#serving().filter(isIdle).slice(0, perRound.handOvers);
    await inParallel(idle, atOnce, async (actor) => {
      // Its turn may come a second later: a hold that was made meanwhile needs its owner.
      if (!isIdle(actor)) return;
      if (await this.handOver(actor, null)) await directory.clearLive(actor.eventId, actor.epoch);
    });
  }

  /** Hands over what another node should have, once it has been here for its tenure. */
  async #moveAway(leaving: Leaving | false): Promise<void> {
    const { clock, limits, members, nodeId } = this.#d;
    const peers = members.settledPeers();
    if (peers.length === 0 && leaving !== 'anyhow') return;
    const heldSince = clock.monotonic() - limits.ownerTenureMs;
    const moves = this.#serving().flatMap((actor) => {
      if (leaving !== false) return [{ actor, to: this.otherOwner(actor.eventId) }];
      const [best] = rankNodes(actor.eventId, [nodeId, ...peers]);
      if (best === undefined || best === nodeId || actor.servingSince > heldSince) return [];
      return [{ actor, to: best }];
    });
    const most = leaving === false ? moving.better : moving.leaving;
    await inParallel(moves.slice(0, most.perRound), most.atOnce, async ({ actor, to }) => {
      await this.handOver(actor, to);
    });
  }

  async #compact(): Promise<void> {
    const { clock, limits, journal, members } = this.#d;
    const now = clock.monotonic();
    const due = this.#serving().filter((actor) => {
      const last = this.#compacted.get(actor);
      if (last === undefined) return actor.snapshotSeq > 0;
      return actor.snapshotSeq > last.seq && now - last.at > limits.compactEveryMs;
    });
    for (const actor of due.slice(0, perRound.compactions)) {
      // The last entry keeps its body: it says who owns the event.
      const upTo = Math.min(actor.snapshotSeq, actor.seq - 1);
      this.#compacted.set(actor, { seq: upTo, at: now });
      const olderThan = members.serverNow() - limits.compactionSparesMs;
      await journal.compact(actor.eventId, upTo, olderThan);
    }
  }

  #serving(): readonly EventActor[] {
    return [...this.#d.actors.values()].filter((actor) => actor.phase === 'serving');
  }

  #row(actor: EventActor): DirectoryRow {
    const { eventId, epoch, seq, snapshotSeq, nextExpiry } = actor;
    const counts = actor.counts ?? { available: 0, reserved: 0, sold: 0, blocked: 0 };
    const { nodeId: owner, incarnation } = this.#d;
    const forgetAt = this.#retention.dueAt(actor);
    const at = { epoch, seq, snapshotSeq, nextExpiry, forgetAt };
    return { eventId, owner, incarnation, live: true, counts, ...at };
  }
}
