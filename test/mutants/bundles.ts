import { type Mutant, one } from '#test/mutants/mutant.ts';

/** Rules of the flow of a bundle. */
export const bundles: readonly Mutant[] = [
  one(
    "a bundle's booking runs by itself",
    'flows/booking.flow.ts',
    '(isLed(b) ? led : steps[b.step])',
    'steps[b.step]',
  ),
  one(
    'an event that refuses leaves the others of its bundle as they are',
    'domain/bundle-moves.ts',
    "return members.map((m) => atOnce(ended(m, 'expired', reason, now), now));",
    "return members.slice(0, 1).map((m) => atOnce(ended(m, 'expired', reason, now), now));",
  ),
  one(
    'a bundle is sold without the event that refuses',
    'flows/bundle.flow.ts',
    "if (reply.outcome === 'refused') {",
    "if (reply.outcome === 'refused' && replies.length === 0) {",
  ),
  one(
    "a bundle's money is taken before its last event is sold",
    'flows/bundle.flow.ts',
    'const { inventory, clock, ids } = ports;\n  const replies',
    'const { inventory, clock, ids } = ports;\n' +
      "  await ports.payments.capture({ intentId: lastAttempt(order)?.intentId ?? '' });\n" +
      '  const replies',
  ),
  one(
    'a part of a bundle forgets whose money it has',
    'domain/bundle-moves.ts',
    'const amount = cardTotal(m);',
    'const amount = order.quote.total;',
  ),
  one(
    'what a bundle gives back is counted on',
    'domain/bundle-moves.ts',
    "{ step: 'done', counted: false }, now), {\n    taken: b.counted ? -b.quantity : 0,",
    "{ step: 'done', counted: false }, now), {\n    taken: 0,",
  ),
  one(
    'each booking of a bundle takes its code for itself',
    'domain/claims.ts',
    'promo: bundle === undefined ? bill?.promo : undefined,',
    'promo: bill?.promo,',
  ),
  one(
    'a voucher pays of each booking of a bundle as if it were the only one',
    'domain/bundle-price.ts',
    'shares[i] ?? 0),',
    'Math.min(byVoucher, quote.total)),',
  ),
  one(
    'a part of a bundle counts what a voucher pays as money of the card',
    'domain/bundle-moves.ts',
    'const amount = cardTotal(m);',
    'const amount = m.quote.total;',
  ),
  one(
    'a bundle that ends unsold keeps what it took of offers',
    'domain/bundle-moves.ts',
    'claims: so.claims,',
    'claims: [],',
  ),
];
