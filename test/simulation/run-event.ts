import type { PackedView } from '#actors/view-desk.ts';
import type { Entry } from '#adapters/journal/port.ts';
import { makeId, spellUlid } from '#domain/ids.ts';
import { holdIdOf } from '#domain/inventory/command-id.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { idOf } from '#domain/inventory/places.ts';
import type { Hold } from '#domain/inventory/state.ts';
import { removedIn, termsOf } from '#test/simulation/event.ts';
import { Gateway, type GatewayOptions } from '#test/simulation/gateway.ts';
import { History } from '#test/simulation/history.ts';
import { Watcher } from '#test/simulation/watcher.ts';

type RunEventOptions = Omit<GatewayOptions, 'name' | 'history'> & {
  readonly fail: (problem: string) => void;
  readonly reached: (branch: string) => void;
  /** Whether the storm is over. */
  readonly calm: () => boolean;
};

type FactOf<T extends Fact['type']> = Extract<Fact, { type: T }>;

function nameOf(fact: Fact, owner: string | undefined): string {
  switch (fact.type) {
    case 'sell-refused':
      return `sell-refused ${fact.reason}`;
    case 'unsold':
      return fact.blocked ? 'unsold and blocked' : 'unsold';
    case 'handed-over':
      return `handed-over to ${fact.to === null ? 'nobody' : 'another'}`;
    case 'claimed':
      if (owner === undefined) return 'claimed of nobody';
      return owner === fact.node ? 'claimed of its own' : 'claimed from another';
    default:
      return fact.type;
  }
}

/** One event of a run: its committed history, who asks for it, and somebody who watches it. */
export class RunEvent {
  readonly eventId: string;
  readonly history: History;
  readonly watcher: Watcher;
  readonly gateways: readonly Gateway[];
  readonly #o: RunEventOptions;
  #chart = 1;

  constructor(options: RunEventOptions) {
    const { eventId, scheduler, chance, trouble, fault, fail } = options;
    this.#o = options;
    this.eventId = eventId;
    this.history = new History(eventId, scheduler, fail);
    this.watcher = new Watcher(() => chance.hits(trouble()), fault);
    const gateway = { ...options, history: this.history };
    this.gateways = ['a', 'b', 'c'].map((name) => new Gateway({ ...gateway, name }));
  }

  commit(entry: Entry): void {
    const { state } = this.history;
    const before = { owner: state.owner?.node, live: [...state.holds.values()] };
    this.history.commit(entry);
    for (const fact of this.history.applied.at(-1)?.facts ?? []) {
      this.#o.reached(`fact: ${nameOf(fact, before.owner)}`);
      if (fact.type === 'sold') this.#countSale(fact, before.live, entry.at);
      if (fact.type === 'handed-over' && !this.#o.calm()) {
        const kind = fact.to === null ? 'passivation under load' : 'hand-over under load';
        this.#o.fault(kind, entry.node);
      }
      if (fact.type === 'opened' || fact.type === 'terms-changed') {
        if (fact.terms.chartVersion !== this.#chart) this.#o.fault('chart version changed', '');
        this.#chart = fact.terms.chartVersion;
      }
      if (fact.type === 'held') this.#checkChart(fact.places);
    }
  }

  #countSale(sold: FactOf<'sold'>, before: readonly Hold[], at: number): void {
    const live = before.find(({ id }) => id === sold.hold);
    if (live !== undefined && live.deadline > at) return;
    this.#o.reached('fact: sold after its deadline');
    const held = this.#facts().find((f) => f.type === 'held' && f.hold === sold.hold);
    const same = held?.type === 'held' && `${held.places}` === `${sold.places}`;
    if (!same) this.#o.reached('fact: sold on equal seats');
  }

  #facts(): readonly Fact[] {
    return this.history.applied.flatMap(({ facts }) => facts);
  }

  #checkChart(places: readonly number[]): void {
    const ids = places.map((place) => idOf(this.history.state.places, place));
    const gone = ids.filter((id) => removedIn(this.#chart).includes(id));
    if (gone.length > 0) this.#o.fail(`${gone} held, which the chart has no more`);
  }

  /** Whether the event takes commands: opened for sale, and a hold is answered. */
  async probe(): Promise<boolean> {
    const { eventId } = this;
    const version = this.history.state.version + 1;
    const terms = termsOf('open', this.history.state.terms?.chartVersion ?? 1);
    const base = { eventId, deadline: 0 };
    const gateway = this.#o.chance.pick(this.gateways);
    await gateway.ask({ ...base, kind: 'change-terms', version, terms, id: 'probe-open' }, 30);
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

  /** What differs in a view, or in what the watcher sees; undefined when nothing does. */
  compare(view: PackedView): string | undefined {
    return this.watcher.compare(this.history.state, view);
  }

  /** A hold that should have ended by now. */
  outlived(now: number): string | undefined {
    for (const [hold, { deadline }] of this.history.model.live) {
      if (deadline < now - 1_500) return `${hold} outlives its deadline`;
    }
    return undefined;
  }
}
