import type { DueBundle } from '#adapters/store/bundles.port.ts';
import type { Bundle } from '#domain/bundle.ts';
import { type BundleChange, withOrder } from '#domain/bundle-moves.ts';
import { placeTaken } from '#domain/cancellation.ts';
import { limits } from '#domain/limits.ts';
import { type BundlePorts, bundleStep } from '#flows/bundle.flow.ts';
import { DueWorker } from '#flows/due.worker.ts';

/** Runs bundles' flows on one node. */
export class BundleWorker extends DueWorker<Bundle, DueBundle> {
  readonly #ports: BundlePorts;

  constructor(ports: BundlePorts) {
    const { bundles: store, clock, ids } = ports;
    super({ store, clock, ids, atOnceMax: limits.bundlesAtOnceMax, waitingMax: 0 });
    this.#ports = ports;
  }

  protected override async advance(bundle: Bundle): Promise<void> {
    let b = bundle;
    for (let i = 0; i < limits.flowStepsMax; i++) {
      if (this.draining) {
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
