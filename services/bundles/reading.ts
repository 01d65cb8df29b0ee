import type { BundleView } from '#contracts/bundles.contract.ts';
import { isInProgress } from '#domain/booking.ts';
import { bundleViewOf } from '#services/bundles/bundle-view.ts';
import { type BundleDesk, ownBundle } from '#services/bundles/desk.ts';

/** A look beside the announcement of a change, should that be lost. */
const lookEveryMs = 2_000;

/** A bundle, held back at most `waitMs` while its order is being worked on. */
export async function readBundle(
  desk: BundleDesk,
  bundleId: string,
  userId: string,
  waitMs: number,
): Promise<BundleView> {
  const { ports, waiters } = desk;
  const until = ports.clock.monotonic() + waitMs;
  for (;;) {
    const left = Math.ceil(until - ports.clock.monotonic());
    // Listening begins before the look: a change between the two is not missed.
    const listening = left > 0 ? waiters.listen(bundleId, Math.min(left, lookEveryMs)) : undefined;
    try {
      const b = await ownBundle(desk, bundleId, userId);
      const working = b.order !== undefined && isInProgress(b.order.status);
      if (listening === undefined || !working) {
        return bundleViewOf(b, await ports.bundles.bookings(bundleId));
      }
      await listening.done;
    } finally {
      listening?.stop();
    }
  }
}
