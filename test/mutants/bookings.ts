import { type Mutant, one } from '#test/mutants/mutant.ts';

/** Rules of the flow of a booking. */
export const bookings: readonly Mutant[] = [
  one(
    'an uncertain capture is undone',
    'flows/booking.flow.ts',
    'const { status } = await payments.capture({ intentId: intentOf(b) });',
    'const { status } = await payments.capture({ intentId: intentOf(b) })\n' +
      "    .catch(() => ({ status: 'canceled' as string }));",
  ),
  one(
    'a cancel before the capture is settled',
    'flows/booking.flow.ts',
    '  capture,\n  undo,',
    '  capture: (b, ports) => unlessCancelled(b, ports, capture),\n  undo,',
  ),
  one(
    'money is taken before the seats are sold',
    'flows/booking.flow.ts',
    'return intentSeen(withIntent(b, news.intentId), news, clock.now());',
    "if (news.status === 'requires_capture') await payments.capture(news);\n" +
      '  return intentSeen(withIntent(b, news.intentId), news, clock.now());',
  ),
  one(
    'a refused capture is believed without the cancel',
    'flows/cancellation.flow.ts',
    "intentId === undefined ? 'canceled' : (await payments.cancel({ intentId })).status;",
    "'canceled' as string;",
  ),
  one(
    'steps are written without their version',
    'adapters/store/memory-bookings.ts',
    "if (this.#bookings.get(booking.bookingId)?.version !== expected) return 'stale';",
    '',
  ),
  one(
    'an old webhook is believed',
    'flows/booking.flow.ts',
    'return intentSeen(b, await payments.read({ intentId: intentOf(b) }), clock.now());',
    'await payments.read({ intentId: intentOf(b) });\n' +
      "  const status = lastAttempt(b)?.intentStatus ?? 'processing';\n" +
      '  return intentSeen(b, { status }, clock.now());',
  ),
  one(
    'a retry of a refund returns money twice',
    'flows/cancellation.flow.ts',
    'refundKey: refundKey(b, r),',
    "refundKey: refundKey(b, r) + ':' + b.version,",
  ),
  one('a retry makes another intent', 'flows/intent-ask.ts', 'attempt: no,', 'attempt: b.version,'),
  one(
    'another attempt while the last intent is open',
    'flows/booking.flow.ts',
    'const news = await payments.cancel({ intentId: intentOf(b) });\n' +
      "  if (news.status === 'canceled') return",
    "const news = { status: 'canceled' as IntentStatus };\n  if (news.status === 'canceled') return",
  ),
  one(
    'seats of an ended booking are not given back',
    'flows/cancellation.flow.ts',
    "  await ports.inventory.execute<'unsell'>({",
    '  await (async (_: unknown) => {})({',
  ),
  one(
    'an undone sale leaves its tickets',
    'domain/cancellation.ts',
    'voided: active.map((t) => t.ticketId),',
    'voided: [],',
  ),
  one(
    'a wish to cancel is forgotten',
    'domain/booking-moves.ts',
    '...(b.cancelRequested\n' +
      "        ? { step: 'cancel', dueAt: soon(now) }\n" +
      "        : restOf({ ...b, status: 'confirmed' })),",
    "...restOf({ ...b, status: 'confirmed' }),",
  ),
  one(
    'a message is done before it is stored',
    'flows/outbox.relay.ts',
    'await deliver(message);',
    'void deliver(message).catch(() => {});',
  ),
  one(
    'an intent that nobody has seen is forgotten',
    'flows/cancellation.flow.ts',
    '    const made =\n      a.token === undefined',
    "    if (a.state === 'opening') return attemptSettled(b, a, 'canceled', 0, clock.now());\n" +
      '    const made =\n      a.token === undefined',
  ),
  one(
    'a booking that ends unsold keeps its redemption and its voucher',
    'domain/booking-moves.ts',
    'const claims = releaseClaims(b);',
    'const claims = releaseClaims(b).slice(0, 0);',
  ),
  one(
    'an undone sale keeps its redemption and its voucher',
    'domain/cancellation.ts',
    'claims: releaseClaims(b),',
    'claims: [],',
  ),
  one(
    'what a voucher paid is not given back',
    'domain/refund-parts.ts',
    "{ to: 'voucher', left: voucherPaid(b) - returned('voucher') },",
    "{ to: 'voucher', left: 0 },",
  ),
  one(
    'a voucher is credited again by a repeated refund',
    'domain/cancellation.ts',
    "const returns = withReturn(b, no, { refund: 'succeeded' });",
    "const returns = withReturn(b, no, { refund: now % 2 === 0 ? 'succeeded' : 'pending' });",
  ),
  one(
    'instalments that tickets took off are charged all the same',
    'domain/instalments.ts',
    'let off = forgiven(b);',
    'let off = 0;',
  ),
  one(
    'a booking that ends for want of an instalment keeps its tickets',
    'domain/instalment-moves.ts',
    'voided: ids,',
    'voided: [],',
  ),
  one(
    'an instalment is booked without being captured',
    'flows/instalments.flow.ts',
    'return captureSeen(b, await payments.capture({ intentId }), clock.now());',
    "return chargeSeen(b, { status: 'succeeded' }, clock.now());",
  ),
];
