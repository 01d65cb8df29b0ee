import type { EventSweeps } from '#adapters/store/event-sweeps.port.ts';
import type { EventSweep } from '#domain/event-sweep.ts';

/** Sweeps in memory, by the same rules. Nothing survives the process. */
export class MemoryEventSweeps implements EventSweeps {
  readonly #sweeps = new Map<string, EventSweep>();

  /** For looking at what was written. */
  get contents(): readonly EventSweep[] {
    return [...this.#sweeps.values()];
  }

  async begin(sweep: EventSweep): Promise<void> {
    if (!this.#sweeps.has(sweep.sweepId)) this.#sweeps.set(sweep.sweepId, sweep);
  }

  async take(now: number, until: number): Promise<EventSweep | undefined> {
    const at = ({ dueAt = Number.POSITIVE_INFINITY }: EventSweep): number => dueAt;
    const [first] = [...this.#sweeps.values()].sort((a, b) => at(a) - at(b));
    if (first === undefined || at(first) > now) return undefined;
    const taken = { ...first, version: first.version + 1, dueAt: until };
    this.#sweeps.set(first.sweepId, taken);
    return taken;
  }

  async save(next: EventSweep): Promise<boolean> {
    if (this.#sweeps.get(next.sweepId)?.version !== next.version - 1) return false;
    this.#sweeps.set(next.sweepId, next);
    return true;
  }

  async cancellation(eventId: string): Promise<EventSweep | undefined> {
    return [...this.#sweeps.values()].find(
      (sweep) => sweep.eventId === eventId && sweep.news.kind === 'cancelled',
    );
  }
}
