import type { EventReport } from '#ops/verify/verify-event.ts';

/** A report as lines for a terminal: the figures, then every finding with what to do about it. */
export function reportLines({ eventId, figures, findings }: EventReport): readonly string[] {
  const width = Math.max(...Object.keys(figures).map((name) => name.length));
  const table = Object.entries(figures).map(
    ([name, value]) => `  ${name.padEnd(width)}  ${String(value).padStart(12)}`,
  );
  const verdict =
    findings.length === 0
      ? ['journal, bookings, tickets, ledger and payments agree']
      : findings.flatMap(({ problem, about, repair }) => [
          `✗ ${problem}: ${about}`,
          `  → ${repair}`,
        ]);
  return [eventId, ...table, '', ...verdict];
}
