import type { Delta } from '#actors/delta.ts';
import type { PackedView } from '#actors/view-desk.ts';
import type { EventState } from '#domain/inventory/state.ts';
import { packView, unpackView } from '#domain/inventory/view.ts';
import type { FaultKind } from '#test/simulation/faults.ts';

/** Somebody who follows the availability by deltas, some of which get lost. */
export class Watcher {
  readonly #loses: () => boolean;
  readonly #fault: (kind: FaultKind, about: string) => void;
  #version = -1;
  #seats: number[] = [];

  constructor(loses: () => boolean, fault: (kind: FaultKind, about: string) => void) {
    this.#loses = loses;
    this.#fault = fault;
  }

  /** Applies a delta by its rules; true when the whole view must be fetched. */
  take({ from, version, changes }: Delta): boolean {
    if (this.#loses()) {
      this.#fault('delta lost', `${from}..${version}`);
      return false;
    }
    if (version <= this.#version) return false;
    if (from > this.#version) return true;
    for (const [place, status] of changes) this.#seats[place] = status;
    this.#version = version;
    return false;
  }

  /** Never goes back. */
  fetched({ version, seats }: PackedView): void {
    if (version <= this.#version) return;
    this.#version = version;
    const places = Math.floor((Buffer.from(seats, 'base64').length * 8) / 2);
    this.#seats = unpackView(seats, places);
  }

  /** What differs from the journal in the end; undefined when nothing does. */
  compare(truth: EventState, view: PackedView): string | undefined {
    const seats = packView(truth);
    if (view.version !== truth.seq) return `the view has version ${view.version}, not ${truth.seq}`;
    if (view.seats !== seats) return 'the view differs from the journal';
    if (this.#version !== truth.seq) return `a watcher is at ${this.#version}, not ${truth.seq}`;
    const mine = this.#seats.slice(0, truth.places.size);
    const same = mine.every((status, place) => status === truth.status[place]);
    return same && mine.length === truth.places.size ? undefined : 'a watcher sees other seats';
  }
}
