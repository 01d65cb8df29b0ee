import type { ActorDeps, Ownership } from '#actors/actor-deps.ts';
import { Alarm } from '#actors/alarm.ts';
import { answerBatch, answerUnproven, assemble, type Batch } from '#actors/batch.ts';
import { type Delta, DeltaBuffer } from '#actors/delta.ts';
import { answer, type CommandReply, Mailbox, type Refusal, refusal } from '#actors/mailbox.ts';
import { OwnJournal } from '#actors/own-journal.ts';
import { Superseded } from '#actors/restore.ts';
import { Tail } from '#actors/tail.ts';
import { type PackedView, ViewDesk } from '#actors/view-desk.ts';
import type { VerifyOutcome, WriteOutcome } from '#actors/writer.ts';
import { UsherError } from '#domain/errors.ts';
import type { Command, Counts } from '#domain/inventory/commands.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { encodeSnapshot } from '#domain/inventory/snapshot.ts';
import { type EventState, nextDeadline } from '#domain/inventory/state.ts';

type Leaving = {
  readonly to: string | null;
  readonly done: (handedOver: boolean) => void;
};

/**
 * The actor of one event on the node that owns it.
 *
 * - Key: the event's id. Commands wait in `mailbox` from the moment the actor exists and are
 *   decided once `serve` gave it its state.
 * - One loop, one batch at a time: collect, decide, write, answer. Nobody learns of a decision
 *   before it is committed; what reads the state from outside waits until no batch is in flight.
 * - It ends once, for good: fenced, handed over, stopped or failed. What waits is answered
 *   then: `moved`, `unavailable`, or `outcome-unknown` for a batch whose fate is open. All of these
 *   may be sent again under the same command id.
 */
export class EventActor {
  readonly eventId: string;
  readonly mailbox: Mailbox;
  /** Monotonic ms of the last command or view, and of the start of service. */
  usedAt: number;
  servingSince = 0;
  /** Epoch of the claim, from the moment it is written. */
  claimedEpoch = 0;

  readonly #deps: ActorDeps;
  readonly #views: ViewDesk;
  readonly #alarm: Alarm;
  #phase: 'opening' | 'serving' | 'closed' = 'opening';
  #running = false;
  #state: EventState | undefined;
  #journal: OwnJournal | undefined;
  #deltas: DeltaBuffer | undefined;
  #inFlight: Batch | undefined;
  #commandsMax: number;
  #snapshotSeq = 0;
  #tail: Tail | undefined;
  #unlisted = true;
  // What the loop has to do besides commands.
  #expiryDue = false;
  #mustVerify = false;
  #rechecks: (() => void)[] = [];
  #leaving: Leaving | undefined;
  #cuts: (() => void)[] = [];

  constructor(eventId: string, deps: ActorDeps) {
    this.eventId = eventId;
    this.#deps = deps;
    this.mailbox = new Mailbox(deps.limits);
    this.#views = new ViewDesk(deps.clock, deps.limits.callTimeoutMs);
    this.#alarm = new Alarm(deps.clock, () => {
      this.#expiryDue = true;
      this.#kick();
    });
    this.#commandsMax = deps.limits.batchCommandsMax;
    this.usedAt = deps.clock.monotonic();
  }

  get phase(): 'opening' | 'serving' | 'closed' {
    return this.#phase;
  }

  /** Of the last committed entry; 0 before `serve`. */
  get seq(): number {
    return this.#journal?.seq ?? 0;
  }

  get epoch(): number {
    return this.#journal?.epoch ?? 0;
  }

  get snapshotSeq(): number {
    return this.#snapshotSeq;
  }

  /** Seats as of the last committed entry. */
  get counts(): Counts | undefined {
    return this.#deltas?.counts;
  }

  /** Epoch ms of the earliest deadline of a hold; null when nothing is held. */
  get nextExpiry(): number | null {
    return this.#state === undefined ? null : nextDeadline(this.#state);
  }

  /** Epoch ms of the event's end by its terms. */
  get endsAt(): number | undefined {
    return this.#state?.terms?.endsAt;
  }

  /** Live holds, those of a batch in flight among them; for operators. */
  get holds(): number {
    return this.#state?.holds.size ?? 0;
  }

  /** Has the commands decided. Resolves with one reply each, in order; never rejects. */
  execute(commands: readonly Command[]): Promise<readonly CommandReply[]> {
    this.usedAt = this.#deps.clock.monotonic();
    const replies = this.mailbox.offer(commands);
    this.#kick();
    return replies;
  }

  /** The availability of every place at one committed version. Rejects with an `UsherError`. */
  view(): Promise<PackedView> {
    this.usedAt = this.#deps.clock.monotonic();
    if (this.#phase === 'closed') return Promise.reject(new UsherError('unavailable'));
    const asked = this.#views.ask();
    if (this.#phase === 'serving' && this.#inFlight === undefined) this.#views.show(this.#known());
    return asked;
  }

  /** Begins to serve: from now on the actor is the one that decides. */
  serve(owned: Ownership): void {
    if (this.#phase !== 'opening') return;
    const { clock, limits } = this.#deps;
    this.#phase = 'serving';
    this.#state = owned.state;
    this.#journal = new OwnJournal(this.eventId, this.#deps, owned);
    this.#deltas = new DeltaBuffer(owned.state, clock, limits);
    this.#snapshotSeq = owned.snapshotSeq;
    this.#tail = new Tail(limits, owned.seq - owned.snapshotSeq, owned.tailBytes);
    this.servingSince = clock.monotonic();
    this.#views.show(owned.state);
    this.#armExpiry();
    this.#kick();
  }

  /**
   * Finishes the batch in flight, writes `handed-over {to}` and ends. Resolves with false when the
   * actor ended otherwise (fenced, stopped) or is being handed over already.
   */
  handOver(to: string | null): Promise<boolean> {
    if (this.#phase === 'closed' || this.#leaving !== undefined) return Promise.resolve(false);
    return new Promise((done) => {
      this.#leaving = { to, done };
      this.#kick();
    });
  }

  /** Stores a snapshot if a new owner had much to replay (`all`: anything). Serves on; resolves
   * when it is stored, or could not be. */
  cutTail(all = false): Promise<void> {
    if (this.#phase !== 'serving' || this.#tail?.want(all) !== true) return Promise.resolve();
    return new Promise((done) => {
      this.#cuts.push(done);
      this.#kick();
    });
  }

  /** Asks the journal whether this is still the owner. Resolves when it is known, or has ended. */
  recheck(): Promise<void> {
    if (this.#phase !== 'serving') return Promise.resolve();
    return new Promise((done) => {
      this.#mustVerify = true;
      this.#rechecks.push(done);
      this.#kick();
    });
  }

  /** Ends without a word to the journal; a batch in flight may or may not be committed. */
  stop(): void {
    this.#answerInFlight(refusal('outcome-unknown'));
    this.close(refusal('unavailable'));
  }

  /** Ends and gives everything that waits this answer. */
  close(reply: Refusal): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.#alarm.cancel();
    this.#journal?.stop();
    this.mailbox.answerAll(reply);
    this.#views.close(new UsherError(reply.code, reply.detail, reply.data));
    for (const done of [...this.#rechecks.splice(0), ...this.#cuts.splice(0)]) done();
    this.#leaving?.done(false);
    this.#deps.closed(this, reply);
  }

  /** Answers whatever has waited past its deadline (`now`: epoch ms). */
  sweep(now: number): void {
    this.mailbox.sweep(now);
    for (const p of this.#inFlight?.pendings ?? []) {
      if (p.command.deadline <= now) answer(p, refusal('outcome-unknown'));
    }
    this.#views.sweep();
  }

  /** What watchers are to be told now, if anything. */
  takeDelta(): Delta | undefined {
    return this.#phase === 'serving' ? this.#deltas?.take() : undefined;
  }

  /** True once after every change that the directory should show. */
  takeUnlisted(): boolean {
    const unlisted = this.#unlisted;
    this.#unlisted = false;
    return unlisted && this.#phase === 'serving';
  }

  /** The directory did not take what `takeUnlisted` told. */
  relist(): void {
    this.#unlisted = true;
  }

  // The loop

  #kick(): void {
    if (this.#running || this.#phase !== 'serving' || !this.#hasWork()) return;
    this.#running = true;
    void this.#run();
  }

  #hasWork(): boolean {
    const asked = this.#leaving !== undefined || this.#mustVerify || this.#expiryDue;
    return asked || this.#cuts.length > 0 || this.mailbox.size > 0 || this.#views.waiting;
  }

  async #run(): Promise<void> {
    const { clock, report } = this.#deps;
    try {
      while (this.#phase === 'serving' && this.#hasWork()) {
        // Everything that has arrived by now shares one batch.
        await clock.tick();
        if (this.#phase === 'serving') await this.#round();
      }
    } catch (error) {
      report('an actor failed', { eventId: this.eventId, error });
      this.stop();
    }
    this.#running = false;
    if (this.#phase === 'serving') this.#armExpiry();
    this.#kick();
  }

  async #round(): Promise<void> {
    this.#views.show(this.#known());
    if (this.#tail?.long === true) this.#snapshot();
    if (this.#mustVerify && !(await this.#verify())) return;
    if (this.#leaving !== undefined) return this.#leave(this.#leaving);
    this.#expiryDue = false;
    const batch = this.#assemble();
    if (batch.facts.length === 0 && answerUnproven(batch)) return;
    this.#inFlight = batch;
    if (batch.facts.length > 0) await this.#write(batch);
    else if (await this.#verify()) answerBatch(batch);
    this.#inFlight = undefined;
  }

  #assemble(): Batch {
    const { clock, limits, report } = this.#deps;
    const journal = this.#own();
    return assemble({
      mailbox: this.mailbox,
      state: this.#known(),
      at: journal.now(),
      seq: journal.seq + 1,
      commandsMax: this.#commandsMax,
      clock,
      limits,
      storable: (facts) => journal.canStore(journal.entry([facts], journal.now())),
      report: (problem, data) => report(problem, { eventId: this.eventId, ...data }),
    });
  }

  async #write(batch: Batch): Promise<void> {
    const journal = this.#own();
    const entry = journal.entry(batch.facts, batch.at);
    if (!journal.canStore(entry)) return this.#split(batch);
    if (this.#endedBy(await journal.write(entry))) return;
    this.#deltas?.note(this.#known(), batch);
    this.#tail?.add(entry);
    this.#unlisted = true;
    this.#commandsMax = Math.min(this.#commandsMax * 2, this.#deps.limits.batchCommandsMax);
    answerBatch(batch);
  }

  /**
   * Whether nothing stands behind the last entry, by a read that begins now: only then may be told
   * what was decided without a fact.
   */
  async #verify(): Promise<boolean> {
    if (this.#endedBy(await this.#own().verify())) return false;
    this.#mustVerify = false;
    for (const done of this.#rechecks.splice(0)) done();
    return true;
  }

  /**
   * A batch that no entry can hold: its commands, never its facts, are taken in halves. What was
   * decided is forgotten with the state it was evolved into.
   */
  async #split(batch: Batch): Promise<void> {
    const { eventId } = this;
    const count = batch.pendings.length;
    this.#deps.report('a batch cannot be stored', { eventId, seq: this.seq + 1, count });
    if (count === 0) throw new Error('expiries alone cannot be stored');
    if (!(await this.#reload())) return;
    this.#commandsMax = Math.ceil(count / 2);
    if (count > 1) return this.mailbox.putBack(batch.pendings);
    if (await this.#verify()) answerBatch({ ...batch, replies: [refusal('body-too-large')] });
  }

  /** Brings the state back to the last committed entry; false when this has ended meanwhile. */
  async #reload(): Promise<boolean> {
    const { restore, clock, limits } = this.#deps;
    while (this.#phase === 'serving') {
      try {
        const { state } = await restore(this.eventId, this.seq);
        if (this.#phase === 'serving') this.#state = state;
        break;
      } catch (error) {
        if (error instanceof Superseded) this.#endedBy({ kind: 'fenced', owner: null });
        else await clock.sleep(limits.deltaEveryMs);
      }
    }
    return this.#phase === 'serving';
  }

  async #leave(leaving: Leaving): Promise<void> {
    const fact: Fact = { type: 'handed-over', to: leaving.to };
    const journal = this.#own();
    const entry = journal.entry([JSON.stringify(fact)], journal.now());
    if (this.#endedBy(await journal.write(entry))) return;
    evolve(this.#known(), fact, entry.at, entry.seq);
    if (this.#tail?.short !== true) this.#snapshot();
    leaving.done(true);
    this.close(refusal('moved', { owner: leaving.to }));
  }

  /** True when the actor has ended: nothing more may be told as decided. */
  #endedBy(outcome: WriteOutcome | VerifyOutcome): boolean {
    if (this.#phase !== 'serving') return true;
    if (outcome.kind === 'stopped') {
      this.stop();
    } else if (outcome.kind === 'fenced') {
      const moved = refusal('moved', { owner: outcome.owner });
      this.#answerInFlight(moved);
      this.close(moved);
    }
    return this.phase === 'closed';
  }

  #answerInFlight(reply: Refusal): void {
    for (const p of this.#inFlight?.pendings ?? []) answer(p, reply);
  }

  /** To be called only while no batch is in flight: every fact in the state is committed. */
  #snapshot(): void {
    const { report, saveSnapshot } = this.#deps;
    const { eventId, seq, epoch } = this;
    this.#tail?.cut();
    const cuts = this.#cuts.splice(0);
    const saving = saveSnapshot({ eventId, seq, epoch, bytes: encodeSnapshot(this.#known()) });
    const saved = saving.then(
      () => {
        this.#snapshotSeq = Math.max(this.#snapshotSeq, seq);
        this.#unlisted = true;
      },
      (error: unknown) => report('a snapshot failed', { eventId, seq, error }),
    );
    void saved.then(() => {
      for (const done of cuts) done();
    });
  }

  #armExpiry(): void {
    const at = nextDeadline(this.#known());
    if (at !== null) this.#alarm.setFor(at, this.#deps.serverNow());
  }

  #own(): OwnJournal {
    if (this.#journal === undefined) throw new Error(`${this.eventId} is not owned yet`);
    return this.#journal;
  }

  #known(): EventState {
    if (this.#state === undefined) throw new Error(`${this.eventId} has no state yet`);
    return this.#state;
  }
}
