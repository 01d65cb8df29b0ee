import type { InstalmentsView } from '#contracts/instalments.ts';
import type { Booking } from '#domain/booking.ts';
import { coveredBy, outstanding, owed, runningCharge } from '#domain/instalments.ts';
import { money } from '#domain/money.ts';

type Part = InstalmentsView['parts'][number];

const iso = (at: number): string => new Date(at).toISOString();

/** The instalments of a booking as its buyer sees them; undefined: it is paid at once. */
export function instalmentsOf(b: Booking): InstalmentsView | undefined {
  const { instalments, plan } = b.bill ?? {};
  if (instalments === undefined || plan === undefined) return undefined;
  const { currency } = b.quote;
  const left = new Map(owed(b).map((part) => [part.no, part.amount]));
  const paid = new Set(b.attempts.filter((a) => a.state === 'captured').flatMap(coveredBy));
  const charge = runningCharge(b);
  const charging = new Set(charge === undefined ? [] : coveredBy(charge));
  const statusOf = (no: number): Part['status'] => {
    if (paid.has(no)) return 'paid';
    if (charging.has(no)) return 'charging';
    if (!left.has(no)) return 'void';
    return b.arrears?.no === no ? 'failed' : 'due';
  };
  return {
    planId: plan.planId,
    outstanding: money(outstanding(b), currency),
    admitsBeforePaid: plan.admitsBeforePaid,
    parts: instalments.map(({ no, amount, dueAt }) => {
      const status = b.saleWritten || b.status === 'pending' ? statusOf(no) : 'void';
      return {
        no,
        amount: money(left.get(no) ?? amount, currency),
        dueAt: iso(dueAt),
        status,
        ...(status === 'failed' && b.arrears !== undefined
          ? { nextTryAt: iso(b.arrears.nextAt) }
          : {}),
      };
    }),
  };
}
