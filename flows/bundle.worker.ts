import { soon } from '#domain/booking-moves.ts';
import type { Bundle } from '#domain/bundle.ts';
import { type BundleChange, withOrder } from '#domain/bundle-moves.ts';
import { placeTaken } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import { type BundlePorts, bundleStep } from '#flows/bundle.flow.ts';

/**
 * Runs bundles' flows on one node, any number of nodes side by side, by the same rules as the
 * bookings' worker: whoever has a bundle's version works on it for `stepRetryMs` from its last
 * write; after that, or when its `dueAt` has come, any node takes it over. Bounded: one that finds
 * no room is found again by the sweep when it is due.
 */
export class BundleWorker {
  readonly #ports: BundlePorts;
  readonly #running = new Set<Promise<void>>();
  #stopSweep: () => void = () => {};
  #draining = false;

  constructor(ports: BundlePorts) {
    this.#ports = ports;
  }

  get hasRoom(): boolean {
    return !this.#draining && this.#running.size < limits.bundlesAtOnceMax;
  }

  /** Goes on with a bundle that the caller has just written or taken. Does not wait. */
  run(bundle: Bundle): void {
    this.#track(() => this.#advance(bundle));
  }

  /** Takes the bundle, if it is due now, and goes on with it. Does not wait. */
  wake(bundleId: string): void {
    this.#track(async () => {
      const { bundles, clock } = this.#ports;
      const found = await bundles.find(bundleId);
      if (found?.dueAt === undefined || found.dueAt > clock.now()) return;
      const taken = await bundles.take(found, soon(clock.now()));
      if (taken !== undefined) await this.#advance(taken);
    });
  }

  /** Sweeps each second (a little more or less, so that nodes spread) until `drain`. */
  start(): void {
    const { clock, ids } = this.#ports;
    const ms = limits.dueSweepEveryMs * (0.75 + ids.chance() / 2);
    this.#stopSweep = clock.after(ms, () => {
      this.sweep()
        .catch(() => undefined)
        .finally(() => {
          if (!this.#draining) this.start();
        });
    });
  }

  /** Takes what is due, as much as there is room for. */
  async sweep(): Promise<void> {
    const { bundles, clock } = this.#ports;
    const room = limits.bundlesAtOnceMax - this.#running.size;
    if (room <= 0 || this.#draining) return;
    for (const due of await bundles.due(clock.now(), room)) {
      if (this.#draining) return;
      // One that cannot be taken must not keep those behind it waiting.
      const taken = await bundles.take(due, soon(clock.now())).catch(() => undefined);
      if (taken !== undefined) this.run(taken);
    }
  }

  /** Takes nothing new and finishes the steps in flight; other nodes go on with the rest. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopSweep();
    await this.idle();
  }

  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  #track(task: () => Promise<void>): void {
    if (!this.hasRoom) return;
    const running: Promise<void> = task()
      // The store did not answer: the bundle is due again when its time has come.
      .catch(() => undefined)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Step by step, until the bundle is finished, has to wait, or is another worker's. */
  async #advance(bundle: Bundle): Promise<void> {
    let b = bundle;
    for (let i = 0; i < limits.flowStepsMax; i++) {
      if (this.#draining) {
        await this.#ports.bundles.take(b, this.#ports.clock.now());
        return;
      }
      const written = await this.write(b, await bundleStep(b, this.#ports));
      if (written === undefined || written.wait) return;
      b = written.bundle;
    }
  }

  /** Writes a change of `b`; undefined when somebody was faster. */
  async write(b: Bundle, change: BundleChange): Promise<BundleChange | undefined> {
    const { bundles, clock, bundleWatcher } = this.#ports;
    const result = await bundles.commit(change);
    if (result === 'place-taken' && b.order !== undefined) {
      return this.write(b, withOrder(b, placeTaken(b.order, clock.now()), clock.now()));
    }
    if (result !== 'done') return undefined;
    if (change.bundle.order?.alarm !== b.order?.alarm) bundleWatcher.alarm(change.bundle);
    bundleWatcher.changed(change);
    return change;
  }
}
