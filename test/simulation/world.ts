import type { Delta } from '#actors/delta.ts';
import type { PackedView } from '#actors/view-desk.ts';
import { makeId, spellUlid } from '#domain/ids.ts';
import { holdIdOf } from '#domain/inventory/command-id.ts';
import { Chance } from '#test/simulation/chance.ts';
import { Cluster } from '#test/simulation/cluster.ts';
import { disturb, settle } from '#test/simulation/disturbances.ts';
import { eventId, termsOf } from '#test/simulation/event.ts';
import { type FaultCounts, type FaultKind, noFaults } from '#test/simulation/faults.ts';
import { Gateway } from '#test/simulation/gateway.ts';
import { History } from '#test/simulation/history.ts';
import { buyer, onlooker, organizer } from '#test/simulation/people.ts';
import { Scheduler } from '#test/simulation/scheduler.ts';
import { Trace } from '#test/simulation/trace.ts';
import { Watcher } from '#test/simulation/watcher.ts';

export type Outcome = {
  readonly seed: number;
  readonly problem: string | undefined;
  /** Of everything that happened: equal for two runs of one seed. */
  readonly digest: string;
  readonly faults: FaultCounts;
  readonly entries: number;
  readonly facts: Readonly<Record<string, number>>;
  /** Answers about the event, by command and outcome. */
  readonly replies: Readonly<Record<string, number>>;
  /** The last things that happened. */
  readonly tail: readonly string[];
};

const tailLines = 160;
const stormMs = 14_000;

/** One run: a storm over two or three nodes and some people, then quiet, and a look at it all. */
export class World {
  readonly #seed: number;
  readonly #chance: Chance;
  readonly #scheduler: Scheduler;
  readonly #trace = new Trace(tailLines);
  readonly #faults = noFaults();
  readonly #history: History;
  readonly #cluster: Cluster;
  readonly #watcher: Watcher;
  readonly #gateways: readonly Gateway[];
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
    this.#storms = this.#long
      ? [
          [0, stormMs],
          [320_000, 320_000 + stormMs],
        ]
      : [[0, stormMs]];
    this.#troubleOf = chance.pick([0.002, 0.02, 0.06, 0.15]);
    this.#history = new History(eventId, this.#scheduler.serverNow, this.#fail);
    const shared = {
      scheduler: this.#scheduler,
      chance,
      trouble: this.#trouble,
      fault: this.#fault,
      trace: this.#say,
    };
    this.#watcher = new Watcher(() => chance.hits(this.#trouble()), this.#fault);
    this.#cluster = new Cluster({
      ...shared,
      size: chance.int(2, 3),
      entryCharsMax: chance.hits(0.5) ? 1_050 : 1_000_000,
      applied: (entry) => {
        this.#say(`${entry.seq} e${entry.epoch} ${entry.node} at ${entry.at}: ${entry.facts}`);
        this.#history.commit(entry);
      },
      published: (delta) => this.#publish(delta),
    });
    const gateway = { ...shared, cluster: this.#cluster, history: this.#history };
    this.#gateways = ['a', 'b', 'c'].map((name) => new Gateway({ ...gateway, name }));
  }

  /** Runs to the end or to the first problem. */
  async run(): Promise<Outcome> {
    const { storms, scheduler } = { storms: this.#storms, scheduler: this.#scheduler };
    this.#begin();
    for (const [from, to] of storms) {
      if (from > 0) settle(this.#cluster, scheduler.now);
      await scheduler.runUntil(from, this.#failed);
      const everyMs = this.#chance.pick([600, 1_500, 4_000]);
      const { state } = this.#history;
      disturb({ ...this.#parts(), cluster: this.#cluster, state, calm: this.#calm }, everyMs);
      await scheduler.runUntil(to, this.#failed);
      settle(this.#cluster, scheduler.now);
    }
    await this.#checkQuiet();
    return this.#outcome();
  }

  #parts() {
    return { scheduler: this.#scheduler, chance: this.#chance, fault: this.#fault };
  }

  #begin(): void {
    const people = this.#chance.int(2, 9);
    // In a rush many commands meet in one batch.
    const idleMs = this.#chance.pick([60, 900, 900]);
    const slowMs = this.#long ? 318_000 : 5_000;
    const parts = { ...this.#parts(), over: this.#over, idleMs, slowMs, known: [] };
    const options = () => ({ ...parts, gateway: this.#chance.pick(this.#gateways) });
    void organizer({ ...options(), number: 0 });
    const looks = this.#chance.hits(0.75) ? this.#cluster.nodeIds : [];
    for (const nodeId of looks) void onlooker({ ...options(), number: 0 }, nodeId);
    for (let number = 1; number <= people; number++) {
      this.#scheduler.after(this.#chance.ms(0, 500), undefined, () => {
        void buyer({ ...options(), number });
      });
    }
    const look = (): void => {
      const [...nodes] = this.#cluster.nodes;
      if (nodes.length > 0) this.#cluster.wakeOrphans(this.#chance.pick(nodes).nodeId);
      this.#scheduler.after(this.#calm() ? 2_000 : 250, undefined, look);
    };
    look();
  }

  /** After the storm: the event is served, views agree, and no hold outlives its deadline. */
  async #checkQuiet(): Promise<void> {
    const { now } = this.#scheduler;
    // Late writes, claims, the last commands and the last holds come to their end.
    await this.#scheduler.runUntil(now + 14_000, this.#failed);
    if (this.#problem !== undefined) return;
    let served = false;
    void this.#probe().then((ok) => {
      served = ok;
    });
    await this.#scheduler.runUntil(this.#scheduler.now + 6_000, () => served || this.#failed());
    if (!served) return this.#fail('the event is not served when all is quiet');
    await this.#scheduler.runUntil(this.#scheduler.now + 6_500, this.#failed);
    for (const [hold, { deadline }] of this.#history.model.live) {
      if (deadline < this.#scheduler.serverNow() - 1_500)
        this.#fail(`${hold} outlives its deadline`);
    }
    await this.#checkViews();
  }

  async #probe(): Promise<boolean> {
    const version = this.#history.state.version + 1;
    const change = { kind: 'change-terms', version, terms: termsOf('open') } as const;
    const base = { eventId, deadline: 0 };
    const gateway = this.#chance.pick(this.#gateways);
    await gateway.ask({ ...base, ...change, id: 'probe-open' }, 30);
    const id = 'f'.repeat(32);
    const reply = await gateway.ask(
      {
        ...base,
        id,
        kind: 'hold',
        holdId: holdIdOf(eventId, id),
        fingerprint: 'probe',
        buyerId: makeId('user', spellUlid(new Uint8Array(16).fill(99))),
        channel: 'public',
        want: { by: 'best', quantity: 1 },
      },
      30,
    );
    return reply !== undefined && (reply.ok || reply.code === 'sold-out');
  }

  /**
   * The owner's view and that of a watcher, who saw only deltas, are those of the journal. A look
   * may wake the event, whose owner then repeats its version within a second.
   */
  async #checkViews(): Promise<void> {
    let problem: string | undefined = 'no node shows a view when all is quiet';
    for (let looks = 0; looks < 4 && problem !== undefined && !this.#failed(); looks++) {
      await this.#scheduler.runUntil(this.#scheduler.now + 1_300, this.#failed);
      for (const view of await this.#views()) {
        problem = this.#watcher.compare(this.#history.state, view);
        if (problem !== undefined) break;
      }
    }
    if (problem !== undefined) this.#fail(problem);
  }

  async #views(): Promise<readonly PackedView[]> {
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
    const view = (): Promise<void> => this.#refetch();
    if (this.#watcher.take(delta)) void view();
  }

  async #refetch(): Promise<void> {
    await this.#scheduler.sleep(this.#chance.ms(1, 20), undefined);
    for (const { host } of this.#cluster.nodes) {
      const view = await host.view(eventId).catch(() => undefined);
      if (view !== undefined) this.#watcher.fetched(view);
    }
  }

  #outcome(): Outcome {
    const facts: Record<string, number> = {};
    for (const entry of this.#history.applied) {
      for (const { type } of entry.facts) facts[type] = (facts[type] ?? 0) + 1;
    }
    return {
      seed: this.#seed,
      problem: this.#problem,
      digest: this.#trace.digest(),
      faults: this.#faults,
      entries: this.#history.applied.length,
      facts,
      replies: this.#history.replies,
      tail: this.#trace.tail(),
    };
  }

  readonly #calm = (): boolean =>
    !this.#storms.some(([from, to]) => this.#scheduler.now >= from && this.#scheduler.now < to);

  readonly #over = (): boolean => this.#calm();
  readonly #failed = (): boolean => this.#problem !== undefined;
  readonly #trouble = (): number => (this.#calm() ? 0 : this.#troubleOf);

  readonly #say = (line: string): void => this.#trace.add(this.#scheduler.now, line);

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

export const runSeed = (seed: number): Promise<Outcome> => new World(seed).run();
