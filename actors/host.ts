import type { Snapshot } from '#actors/actor-deps.ts';
import type { Delta } from '#actors/delta.ts';
import { EventActor } from '#actors/event-actor.ts';
import { every, inParallel, within } from '#actors/every.ts';
import { type CommandReply, type Refusal, refusal } from '#actors/mailbox.ts';
import { Members } from '#actors/members.ts';
import { type OpeningDeps, openActor } from '#actors/opening.ts';
import { Reach } from '#actors/reach.ts';
import { restore } from '#actors/restore.ts';
import { Upkeep } from '#actors/upkeep.ts';
import type { PackedView } from '#actors/view-desk.ts';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { Directory, DirectoryRow, Journal, Nodes, Snapshots } from '#adapters/journal/port.ts';
import { UsherError } from '#domain/errors.ts';
import type { Command, Counts } from '#domain/inventory/commands.ts';
import type { Limits } from '#domain/limits.ts';

export type HostOptions = {
  /** Stable name of this node; the same after a restart. */
  readonly nodeId: string;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly journal: Journal;
  readonly snapshots: Snapshots;
  readonly directory: Directory;
  readonly nodes: Nodes;
  readonly limits: Limits;
  /** Tells all watchers; may lose messages. */
  readonly publish: (delta: Delta) => void;
  /** Tells another node that an event was handed to it; may be lost. */
  readonly invite?: (nodeId: string, eventId: string) => void;
  /** Resolves when the message server answers; undefined where there is none. */
  readonly askMessages?: () => Promise<unknown>;
  /** Told when this node begins or ceases to take events. */
  readonly offeringChanged?: (offering: boolean) => void;
  /** Problems for the log. */
  readonly report?: (problem: string, data: Record<string, unknown>) => void;
};

export type Inspection = {
  readonly eventId: string;
  readonly owner: string | null;
  readonly epoch: number;
  readonly seq: number;
  readonly snapshotSeq: number;
  readonly counts: Counts;
  readonly mailbox: number;
  readonly holds: number;
};

export type Listed = {
  readonly eventId: string;
  readonly epoch: number;
  readonly seq: number;
  readonly mailbox: number;
};

/**
 * The event actors of one node: claims, serves and gives up events by the rules of
 * `docs/actors.md`. Takes no resource before `start` and holds none after `stop`.
 */
export class Host {
  readonly nodeId: string;
  /** New at each start. */
  readonly incarnation: string;
  readonly #o: HostOptions;
  readonly #members: Members;
  readonly #reach: Reach;
  readonly #upkeep: Upkeep;
  readonly #opening: OpeningDeps;
  readonly #actors = new Map<string, EventActor>();
  readonly #opened = new Map<string, Promise<void>>();
  readonly #told = new Map<string, { readonly why: Refusal; readonly until: number }>();
  readonly #background = new Set<Promise<void>>();
  #tickers: readonly Cancel[] = [];
  #draining = false;
  #toldOffering = false;
  #rechecking = false;

  constructor(options: HostOptions) {
    const { nodeId, clock, nodes, limits } = options;
    this.#o = options;
    this.nodeId = nodeId;
    this.incarnation = options.ids.ulid();
    const { incarnation } = this;
    const members = new Members({ nodeId, incarnation, clock, nodes, limits });
    this.#members = members;
    this.#reach = new Reach(clock, limits, options.askMessages);
    const shared = {
      ...options,
      incarnation,
      members,
      actors: this.#actors,
      invite: options.invite ?? (() => {}),
      report: this.#report,
    };
    this.#upkeep = new Upkeep(shared);
    this.#opening = {
      ...shared,
      mayOwn: () => this.offering,
      otherOwner: (eventId) => this.#upkeep.otherOwner(eventId),
      serverNow: () => members.serverNow(),
    };
  }

  /** Whether this node takes events now. */
  get offering(): boolean {
    return this.#serves && !this.#draining && this.#members.clockIsRight && !this.#reach.lost;
  }

  /** Resolves after the first heartbeat, whether or not the database has answered. */
  async start(): Promise<void> {
    const { clock, limits, askMessages } = this.#o;
    await this.#beat().catch((error: unknown) => this.#report('no heartbeat', { error }));
    const ticker = (ms: number, name: string, task: () => void | Promise<void>): Cancel =>
      every(clock, ms, task, (error) => this.#report(`${name} failed`, { error }));
    this.#tickers = [
      ticker(limits.heartbeatEveryMs, 'a heartbeat', () => this.#beat()),
      ticker(limits.sweepEveryMs, 'a sweep', () => this.#sweep()),
      ticker(limits.deltaEveryMs, 'publishing', () => this.#publish()),
      ticker(limits.upkeepEveryMs, 'upkeep', () => this.#keepUp()),
      ...(askMessages
        ? [ticker(limits.messagesLookEveryMs, 'a look at messages', () => this.#look())]
        : []),
    ];
  }

  /**
   * Has commands of one event decided, in order, and answers each. `suspect`: a node that did not
   * answer for this event. Never rejects; replies tell `moved {owner}`, `unavailable`,
   * `overloaded`, `deadline-exceeded`, `outcome-unknown` besides what the event's rules say.
   */
  execute(
    eventId: string,
    commands: readonly Command[],
    suspect?: string,
  ): Promise<readonly CommandReply[]> {
    const found = this.#actorOf(eventId, suspect);
    if (found instanceof EventActor) return found.execute(commands);
    return Promise.resolve(commands.map(() => found));
  }

  /** Rejects with `moved`, `not-found`, `overloaded` or `unavailable`. */
  async view(eventId: string, suspect?: string): Promise<PackedView> {
    const found = this.#actorOf(eventId, suspect);
    if (found instanceof EventActor) return found.view();
    throw errorOf(found);
  }

  /** Claims the event if nobody living owns it; answers its owner. Rejects like `view`. */
  async wake(eventId: string): Promise<string> {
    // Whoever hands the event to this node wakes it: what was told before is old.
    this.#told.delete(eventId);
    const found = this.#actorOf(eventId, undefined);
    if (found instanceof EventActor) {
      await this.#opened.get(eventId);
      if (found.phase === 'serving') return this.nodeId;
    }
    const why = found instanceof EventActor ? this.#told.get(eventId)?.why : found;
    if (typeof why?.data.owner === 'string') return why.data.owner;
    throw why === undefined ? new UsherError('unavailable') : errorOf(why);
  }

  /** What this node knows of an event, else what the directory says; undefined: nothing. */
  async inspect(eventId: string): Promise<Inspection | undefined> {
    const actor = this.#actors.get(eventId);
    if (actor?.counts !== undefined) {
      const { epoch, seq, snapshotSeq, counts, mailbox, holds } = actor;
      const owner = this.nodeId;
      return { eventId, owner, epoch, seq, snapshotSeq, counts, mailbox: mailbox.size, holds };
    }
    const row = await this.#o.directory.find(eventId);
    if (row === undefined) return undefined;
    const { owner, epoch, seq, snapshotSeq, counts } = row;
    return { eventId, owner, epoch, seq, snapshotSeq, counts, mailbox: 0, holds: 0 };
  }

  /** Every event that is held here. */
  list(): readonly Listed[] {
    return [...this.#actors.values()].map(({ eventId, epoch, seq, mailbox }) => ({
      eventId,
      epoch,
      seq,
      mailbox: mailbox.size,
    }));
  }

  /**
   * Live events that no living node holds, at most `limit`; each should be woken. Nothing while
   * this node may not judge who lives. Rejects when the database does not answer.
   */
  orphans(limit: number): Promise<readonly string[]> {
    return this.#unowned(limit, (after, rows) => this.#o.directory.live(after, rows));
  }

  /** Events long over that no living node holds, whose owner would delete keys; like `orphans`. */
  forgettable(limit: number): Promise<readonly string[]> {
    const now = this.#members.serverNow();
    return this.#unowned(limit, (after, rows) => this.#o.directory.forgettable(now, after, rows));
  }

  async #unowned(
    limit: number,
    page: (after: string, rows: number) => Promise<readonly DirectoryRow[]>,
  ): Promise<readonly string[]> {
    const living = await this.#members.living();
    const found: string[] = [];
    if (living === undefined) return found;
    const pageRows = 500;
    for (let after = ''; found.length < limit; ) {
      const rows = await page(after, pageRows);
      for (const { eventId, owner, incarnation } of rows) {
        if (!living.has(`${owner}:${incarnation}`)) found.push(eventId);
      }
      after = rows.at(-1)?.eventId ?? '';
      if (rows.length < pageRows) break;
    }
    return found.slice(0, limit);
  }

  /** Takes no more events and hands over all it has; answers how many of them were committed. */
  async drain(): Promise<number> {
    this.#draining = true;
    this.#tellOffering();
    // Others must not hand events to this node any more.
    await this.#beat().catch((error: unknown) => this.#report('no heartbeat', { error }));
    let count = 0;
    const actors = [...this.#actors.values()];
    // Few at once keep each event's gap short, but all are to be gone in time.
    const lanes = Math.ceil(actors.length / drainsPerLane);
    const width = Math.min(drainsAtOnce.most, Math.max(drainsAtOnce.least, lanes));
    await inParallel(actors, width, async (actor) => {
      if (await this.#upkeep.handOver(actor, this.#upkeep.otherOwner(actor.eventId))) count++;
    });
    return count;
  }

  /** Drains, at most `drainMs`, and leaves the other nodes. */
  async stop(): Promise<void> {
    const { clock, limits } = this.#o;
    await within(clock, limits.drainMs, this.drain());
    await within(clock, limits.handOverMs, Promise.allSettled(this.#background));
    this.abandon();
    const left = this.#members.leave();
    await left.catch((error: unknown) => this.#report('heartbeat not removed', { error }));
  }

  /** Ends at once and writes nothing any more; what waits is answered. */
  abandon(): void {
    for (const cancel of this.#tickers) cancel();
    this.#tickers = [];
    for (const actor of [...this.#actors.values()]) actor.stop();
  }

  #actorOf(eventId: string, suspect: string | undefined): EventActor | Refusal {
    if (!this.#serves) return refusal('unavailable');
    const held = this.#actors.get(eventId);
    if (held !== undefined) return held;
    const told = this.#told.get(eventId);
    if (told !== undefined && told.until > this.#o.clock.monotonic()) {
      if (suspect === undefined || told.why.data.owner !== suspect) return told.why;
    }
    if (this.#actors.size >= this.#o.limits.actorsPerNodeMax) return refusal('overloaded');
    return this.#open(eventId);
  }

  #open(eventId: string): EventActor {
    const actor = new EventActor(eventId, {
      ...this.#opening,
      restore: (id, seq) => restore(this.#o, id, seq),
      saveSnapshot: (snapshot) => this.#saveSnapshot(snapshot),
      closed: (ended, why) => this.#forget(ended, why),
    });
    this.#actors.set(eventId, actor);
    const opened = openActor(this.#opening, actor).finally(() => this.#opened.delete(eventId));
    this.#opened.set(eventId, opened);
    return actor;
  }

  #forget(actor: EventActor, why: Refusal): void {
    const { eventId } = actor;
    if (this.#actors.get(eventId) === actor) this.#actors.delete(eventId);
    const elsewhere = typeof why.data.owner === 'string' && why.data.owner !== this.nodeId;
    if (!elsewhere && why.code !== 'unavailable') return;
    if (!elsewhere && actor.claimedEpoch > 0) this.#upkeep.letGo(eventId, actor.claimedEpoch);
    // For a moment all who ask are told the same without another look.
    if (this.#told.size >= toldMax) this.#told.clear();
    const until = this.#o.clock.monotonic() + this.#o.limits.ownerToldMs;
    this.#told.set(eventId, { why, until });
  }

  async #saveSnapshot({ eventId, seq, epoch, bytes }: Snapshot): Promise<void> {
    const saving = this.#o.snapshots.save(eventId, seq, epoch, bytes);
    this.#background.add(saving);
    await saving.finally(() => this.#background.delete(saving));
  }

  /** The database is within reach and every ownership sure. */
  get #serves(): boolean {
    return !this.#members.cutOff && this.#members.unsettledReturn === 0;
  }

  async #beat(): Promise<void> {
    await this.#members.beat(this.offering).finally(() => this.#recheck());
    this.#tellOffering();
  }

  /** After a cut-off every actor asks the journal before this node serves again. */
  #recheck(): void {
    const returned = this.#members.unsettledReturn;
    if (returned === 0 || this.#rechecking) return;
    const settle = (): void => {
      this.#rechecking = false;
      this.#members.rechecked(returned);
      this.#tellOffering();
    };
    if (this.#actors.size === 0) {
      settle();
      return;
    }
    this.#rechecking = true;
    const actors = [...this.#actors.values()];
    void inParallel(actors, rechecksAtOnce, (actor) => actor.recheck()).then(settle);
  }

  #sweep(): void {
    const now = this.#members.serverNow();
    for (const actor of this.#actors.values()) actor.sweep(now);
    this.#tellOffering();
  }

  #publish(): void {
    for (const actor of this.#actors.values()) {
      const delta = actor.takeDelta();
      if (delta !== undefined) this.#o.publish(delta);
    }
  }

  async #keepUp(): Promise<void> {
    if (!this.#serves || this.#draining) return;
    const { lostForLong } = this.#reach;
    const leaving = this.#members.clockIsRight ? lostForLong && 'to-others' : 'anyhow';
    await this.#upkeep.round(leaving);
  }

  /** Who cannot be reached gives its events away at once: nobody else serves them. */
  async #look(): Promise<void> {
    this.#reach.look();
    this.#tellOffering();
    const away = (): boolean => this.#reach.lostForLong && this.#serves && !this.#draining;
    if (!away()) return;
    // Who of the others cannot be reached either has told so by now.
    await this.#beat();
    if (away()) await this.#upkeep.giveAway();
  }

  #tellOffering(): void {
    const { offering } = this;
    if (offering === this.#toldOffering) return;
    this.#toldOffering = offering;
    this.#o.offeringChanged?.(offering);
  }

  readonly #report = (problem: string, data: Record<string, unknown>): void => {
    this.#o.report?.(problem, { nodeId: this.nodeId, ...data });
  };
}

const drainsAtOnce = { least: 2, most: 32 } as const;
const drainsPerLane = 100;
const rechecksAtOnce = 32;
const toldMax = 10_000;

const errorOf = ({ code, detail, data }: Refusal): UsherError => new UsherError(code, detail, data);

/** See `Host`. */
export const createHost = (options: HostOptions): Host => new Host(options);
