import type { Clock } from '#adapters/clock/port.ts';
import type { InventoryView } from '#broker/inventory-client.ts';
import type { Counts } from '#domain/inventory/commands.ts';
import { Lru } from '#domain/lru.ts';

type Known = { readonly at: number; readonly counts: Promise<Counts | null> };

const eventsKept = 2_000;
const freshMs = 2_000;
const waitMs = 800;

/**
 * How many places of an event are free, at most two seconds old. Readers share one look; null
 * while the seats cannot be reached.
 */
export class SeatCounts {
  readonly #view: (eventId: string, deadline: number) => Promise<InventoryView>;
  readonly #clock: Clock;
  readonly #known = new Lru<Known>(eventsKept);

  constructor(view: (eventId: string, deadline: number) => Promise<InventoryView>, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  of(eventId: string): Promise<Counts | null> {
    const now = this.#clock.monotonic();
    const known = this.#known.get(eventId);
    if (known !== undefined && now - known.at < freshMs) return known.counts;
    const counts = this.#view(eventId, this.#clock.now() + waitMs).then(
      (view) => view.counts,
      () => null,
    );
    this.#known.set(eventId, { at: now, counts });
    return counts;
  }

  /** Forgets what is known of an event whose seats were just changed. */
  forget(eventId: string): void {
    this.#known.delete(eventId);
  }
}
