import type { Delta } from '#actors/delta.ts';
import type { PackedView } from '#actors/view-desk.ts';
import { isDisputed } from '#domain/dispute.ts';
import { eventIdOf, makeId, spellUlid } from '#domain/ids.ts';
import { limits } from '#domain/limits.ts';
import { contradictions, openBookings, openMessages } from '#test/simulation/books.ts';
import {
  bundleContradictions,
  cancelBundle,
  openBundles,
  packageBuyer,
} from '#test/simulation/bundling.ts';
import { Chance } from '#test/simulation/chance.ts';
import { cancel } from '#test/simulation/checkout.ts';
import { Cluster } from '#test/simulation/cluster.ts';
import { disturb, settle } from '#test/simulation/disturbances.ts';
import { eventIds } from '#test/simulation/event.ts';
import { type FaultCounts, type FaultKind, noFaults } from '#test/simulation/faults.ts';
import { Office } from '#test/simulation/office.ts';
import { buyer, onlooker, organizer, type PersonOptions } from '#test/simulation/people.ts';
import { RunEvent } from '#test/simulation/run-event.ts';
import { Scheduler } from '#test/simulation/scheduler.ts';
import { Trace } from '#test/simulation/trace.ts';

export type Outcome = {
  readonly seed: number;
  readonly problem: string | undefined;
  /** Of everything that happened: equal for two runs of one seed. */
  readonly digest: string;
  readonly faults: FaultCounts;
  readonly entries: number;
  readonly bookings: number;
  /** Branches of the protocol, facts, and answers by command and outcome, with their counts. */
  readonly reached: Readonly<Record<string, number>>;
  /** The last things that happened. */
  readonly tail: readonly string[];
};

const tailLines = Number(process.env.SIMULATE_TAIL ?? 160);
const stormMs = 14_000;
/** Longer than a pin: what nobody finishes ends within it. */
const pinEndsMs = 320_000;

/** One run: a storm over some nodes and people, then quiet, and a look at it all. */
export class World {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #scheduler: Scheduler;
  readonly #trace = new Trace(tailLines);
  readonly #faults = noFaults();
  readonly #reached: Record<string, number> = {};
  readonly #cluster: Cluster;
  readonly #office: Office;
  readonly #events: readonly RunEvent[];
  /** Whether this run is long enough for a pin to end. */
  readonly #long: boolean;
  readonly #storms: readonly (readonly [from: number, to: number])[];
  readonly #troubleOf: number;
  #problem: string | undefined;

  constructor(seed: number) {
    this.#seed = seed;
    this.#chance = new Chance(seed);
    const chance = this.#chance;
    this.#scheduler = new Scheduler(chance);
    this.#long = seed % 10 === 7;
    const again = [pinEndsMs, pinEndsMs + stormMs] as const;
    this.#storms = this.#long ? [[0, stormMs], again] : [[0, stormMs]];
    this.#troubleOf = chance.pick([0.002, 0.02, 0.06, 0.15]);
    const shared = {
      scheduler: this.#scheduler,
      chance,
      trouble: this.#trouble,
      fault: this.#fault,
      trace: this.#say,
      reached: this.#reach,
      fail: this.#fail,
      calm: this.#calm,
    };
    const idleMs = chance.pick([400, 3_000]);
    this.#cluster = new Cluster({
      ...shared,
      size: chance.int(2, 3),
      // Every lone command fits; a batch of several may not.
      entryCharsMax: chance.hits(0.5) ? 1_500 : 1_000_000,
      passivateAfterIdleMs: () => (this.#calm() ? 3_000 : idleMs),
      applied: (entry) => {
        this.#say(`${entry.seq} e${entry.epoch} ${entry.node} at ${entry.at}: ${entry.facts}`);
        this.#eventOf(entry.eventId).commit(entry);
      },
      published: (delta) => this.#publish(delta),
    });
    const ids = chance.hits(0.3) ? eventIds : eventIds.slice(0, 1);
    if (ids.length > 1) this.#fault('several events', `${ids.length}`);
    this.#events = ids.map(
      (eventId) => new RunEvent({ ...shared, eventId, cluster: this.#cluster }),
    );
    this.#office = new Office({
      ...shared,
      gatewayOf: (eventId) => chance.pick(this.#eventOf(eventId).gateways),
      isSold: (bookingId) => {
        const { sales } = this.#eventOf(eventIdOf(bookingId) ?? '').history.state;
        return sales.ofBooking(bookingId) >= 0;
      },
    });
  }

  /** Runs to the end or to the first problem. */
  async run(): Promise<Outcome> {
    const scheduler = this.#scheduler;
    this.#wakeOrphans();
    for (const [storm, [from, to]] of this.#storms.entries()) {
      await scheduler.runUntil(from, this.#failed);
      this.#invite(storm);
      this.#disturb();
      await scheduler.runUntil(to, this.#failed);
      this.#settle();
    }
    await this.#checkQuiet();
    return this.#outcome();
  }

  #disturb(): void {
    const states = this.#events.map(({ history }) => history.state);
    const everyMs = this.#chance.pick([600, 1_500, 4_000]);
    const options = { ...this.#parts(), cluster: this.#cluster, states, calm: this.#calm };
    disturb(options, everyMs);
    const strike = (): void => {
      if (this.#calm()) return;
      this.#office.strike();
      this.#scheduler.after(this.#chance.ms(everyMs, everyMs * 4), undefined, strike);
    };
    this.#scheduler.after(this.#chance.ms(0, everyMs * 4), undefined, strike);
    for (const { eventId } of this.#events) {
      if (!this.#chance.hits(0.35)) continue;
      this.#scheduler.after(this.#chance.ms(500, 9_000), undefined, () => {
        if (this.#calm()) return;
        const now = this.#scheduler.serverNow();
        this.#office.aftermath.announce(eventId, this.#chance, now);
      });
    }
  }

  #settle(): void {
    settle(this.#cluster, this.#scheduler);
    this.#office.settle();
  }

  #parts() {
    return { scheduler: this.#scheduler, chance: this.#chance, fault: this.#fault };
  }

  #eventOf(eventId: string): RunEvent {
    const found = this.#events.find((event) => event.eventId === eventId);
    if (found === undefined) throw new Error(`there is no event ${eventId}`);
    return found;
  }

  /** Lets people come; in a later storm, others, while some of the first still pay. */
  #invite(storm: number): void {
    const chance = this.#chance;
    const people = chance.int(2, 9);
    // In a rush many commands meet in one batch.
    const idleMs = chance.pick([60, 900, 900]);
    const slowMs = this.#long ? pinEndsMs - 2_000 : 5_000;
    const officeShare = chance.pick([0.3, 0.6, 1]);
    const base = { ...this.#parts(), over: this.#over, idleMs, slowMs, officeShare };
    const shared = { ...base, office: this.#office, leaves: this.#long };
    this.#inviteToPackages(shared, storm);
    for (const { gateways, history } of this.#events) {
      const parts = { ...shared, known: [] };
      const options = () => ({ ...parts, gateway: chance.pick(gateways) });
      const { version, terms } = history.state;
      const from = { version: version + 1, chart: terms?.chartVersion ?? 1 };
      void organizer({ ...options(), number: 0, from });
      const looks = chance.hits(0.75) ? this.#cluster.nodeIds : [];
      for (const nodeId of looks) void onlooker({ ...options(), number: 0 }, nodeId);
      for (let number = 1; number <= people; number++) {
        this.#scheduler.after(chance.ms(0, 500), undefined, () => {
          void buyer({ ...options(), number: number + 20 * storm });
        });
      }
    }
  }

  /** Where there are several events, some want all of them. */
  #inviteToPackages(shared: Omit<PersonOptions, 'known' | 'gateway' | 'number'>, storm: number) {
    const chance = this.#chance;
    const [event] = this.#events;
    if (this.#events.length < 2 || event === undefined) return;
    const people = chance.int(1, 3);
    for (let number = 100; number < 100 + people; number++) {
      const buyerId = makeId('user', spellUlid(new Uint8Array(16).fill(number + 20 * storm)));
      const gateway = chance.pick(event.gateways);
      this.#scheduler.after(chance.ms(0, 500), undefined, () => {
        void packageBuyer({ ...shared, known: [], gateway, number, buyerId });
      });
    }
  }

  /** The job that wakes events without an owner. */
  #wakeOrphans(): void {
    const look = (): void => {
      const [...nodes] = this.#cluster.nodes;
      if (nodes.length > 0) this.#cluster.wakeOrphans(this.#chance.pick(nodes).nodeId);
      this.#scheduler.after(this.#calm() ? 2_000 : 250, undefined, look);
    };
    look();
  }

  /** After the storm: all is served, views agree, no hold outlives its deadline, books agree. */
  async #checkQuiet(): Promise<void> {
    const scheduler = this.#scheduler;
    const { now } = scheduler;
    // Late writes, claims, the last commands and the last holds come to their end.
    await scheduler.runUntil(now + 14_000, this.#failed);
    await this.#endBookings();
    if (this.#problem !== undefined) return;
    for (const event of this.#events) await this.#checkServed(event);
    await scheduler.runUntil(scheduler.now + 6_500, this.#failed);
    for (const event of this.#events) {
      const problem = event.outlived(scheduler.serverNow());
      if (problem !== undefined) this.#fail(problem);
      await this.#checkViews(event);
    }
    const states = this.#events.map(({ history }) => history.state);
    for (const problem of contradictions(this.#office, states)) this.#fail(problem);
    for (const problem of bundleContradictions(this.#office)) this.#fail(problem);
  }

  /** Every booking and every message comes to its end by itself. */
  async #endBookings(): Promise<void> {
    const scheduler = this.#scheduler;
    const until = scheduler.now + (this.#long ? limits.holdLifeMs + 60_000 : 90_000) + sweepMs;
    const office = this.#office;
    const rests = (): boolean =>
      office.awake &&
      office.aftermath.isOver &&
      openBookings(office).length + openBundles(office).length === 0 &&
      openMessages(office) === 0;
    while (!rests() && !this.#failed()) {
      // In a short run nobody waits for a declined booking's hold to run out.
      for (const b of this.#long ? [] : openBookings(office)) {
        if (b.status === 'declined') void cancel({ ...this.#parts(), office }, b, undefined);
      }
      for (const b of openBookings(office)) if (isDisputed(b)) void office.befall(b, 'decide');
      for (const { bundleId, order } of this.#long ? [] : openBundles(office)) {
        if (order?.status === 'declined') void cancelBundle({ ...this.#parts(), office }, bundleId);
      }
      await scheduler.runUntil(scheduler.now + 2_000, this.#failed);
      if (scheduler.now < until || rests()) continue;
      const [b] = openBookings(this.#office);
      this.#fail(`${b?.bookingId ?? 'a message'} ${b?.status}/${b?.step} does not come to its end`);
    }
  }

  async #checkServed(event: RunEvent): Promise<void> {
    let served = false;
    void event.probe().then((ok) => {
      served = ok;
    });
    const until = this.#scheduler.now + 6_000;
    await this.#scheduler.runUntil(until, () => served || this.#failed());
    if (!served) this.#fail(`${event.eventId} is not served when all is quiet`);
  }

  /**
   * The owner's view and that of a watcher, who saw only deltas, are those of the journal. A look
   * may wake the event, whose owner then repeats its version within a second.
   */
  async #checkViews(event: RunEvent): Promise<void> {
    let problem: string | undefined = 'no node shows a view when all is quiet';
    for (let looks = 0; looks < 4 && problem !== undefined && !this.#failed(); looks++) {
      await this.#scheduler.runUntil(this.#scheduler.now + 1_300, this.#failed);
      for (const view of await this.#views(event.eventId)) {
        problem = event.compare(view);
        if (problem !== undefined) break;
      }
    }
    if (problem !== undefined) this.#fail(problem);
  }

  async #views(eventId: string): Promise<readonly PackedView[]> {
    const views: PackedView[] = [];
    let asked = 0;
    for (const { host } of this.#cluster.nodes) {
      const done = (): void => void asked++;
      host.view(eventId).then((view) => {
        views.push(view);
        done();
      }, done);
    }
    const all = this.#cluster.nodes.length;
    const until = this.#scheduler.now + 5_000;
    await this.#scheduler.runUntil(until, () => asked === all || this.#failed());
    return views;
  }

  #publish(delta: Delta): void {
    const event = this.#eventOf(delta.eventId);
    if (event.watcher.take(delta)) void this.#refetch(event);
  }

  async #refetch({ eventId, watcher }: RunEvent): Promise<void> {
    await this.#scheduler.sleep(this.#chance.ms(1, 20), undefined);
    for (const { host } of this.#cluster.nodes) {
      const view = await host.view(eventId).catch(() => undefined);
      if (view !== undefined) watcher.fetched(view);
    }
  }

  #outcome(): Outcome {
    const reached = { ...this.#reached };
    for (const { history } of this.#events) {
      for (const [reply, n] of Object.entries(history.replies)) {
        reached[`answer: ${reply}`] = (reached[`answer: ${reply}`] ?? 0) + n;
      }
    }
    return {
      seed: this.#seed,
      problem: this.#problem,
      digest: this.#trace.digest(),
      faults: this.#faults,
      entries: this.#events.reduce((sum, { history }) => sum + history.applied.length, 0),
      bookings: this.#office.store.contents.bookings.length,
      reached,
      tail: this.#trace.tail(),
    };
  }

  readonly #calm = (): boolean =>
    !this.#storms.some(([from, to]) => this.#scheduler.now >= from && this.#scheduler.now < to);

  readonly #over = (): boolean => this.#calm();
  readonly #failed = (): boolean => this.#problem !== undefined;
  readonly #trouble = (): number => (this.#calm() ? 0 : this.#troubleOf);

  readonly #say = (line: string): void => this.#trace.add(this.#scheduler.now, line);

  readonly #reach = (branch: string): void => {
    this.#reached[branch] = (this.#reached[branch] ?? 0) + 1;
  };

  readonly #fault = (kind: FaultKind, about: string): void => {
    this.#faults[kind]++;
    this.#say(`! ${kind} ${about}`);
  };

  readonly #fail = (problem: string): void => {
    if (this.#problem !== undefined) return;
    this.#problem = problem;
    this.#say(`PROBLEM ${problem}`);
  };
}

/** A sweep may sleep before its last round, and does so twice when a storm met it. */
const sweepMs = 3 * limits.sweepRoundMaxMs;

export const runSeed = (seed: number): Promise<Outcome> => new World(seed).run();
