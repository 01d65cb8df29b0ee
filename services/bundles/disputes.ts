import { call, type UsherContext } from '#broker/call.ts';
import { inHand } from '#domain/dispute.ts';
import { split } from '#domain/split.ts';
import type { BundleDesk } from '#services/bundles/desk.ts';

/**
 * Hands a dispute on to the bookings of a bundle, each with its share of what is taken; may be
 * repeated, as `bookings.disputed` may. While the order is not sold yet it has no bookings to tell.
 */
export async function disputeBundle(
  { ports }: BundleDesk,
  ctx: UsherContext,
  news: {
    readonly bundleId: string;
    readonly disputeId: string;
    readonly state: 'open' | 'won' | 'lost';
    readonly amount?: number | undefined;
  },
): Promise<{ known: boolean }> {
  const { bundleId, disputeId, state, amount } = news;
  const bookings = await ports.bundles.bookings(bundleId);
  // Whose money is still there bears it; told again, what this very dispute took counts as there.
  const weights = bookings.map((one) => {
    const before = one.disputes?.find((dispute) => dispute.disputeId === disputeId);
    return Math.max(0, inHand(one) + (before?.taken ?? 0));
  });
  const shares = amount === undefined ? [] : split(amount, weights);
  for (const [index, { bookingId }] of bookings.entries()) {
    const share = shares[index];
    const taken = share === undefined ? {} : { amount: share };
    await call(ctx, 'bookings.disputed', { bookingId, disputeId, state, ...taken });
  }
  return { known: bookings.length > 0 };
}
