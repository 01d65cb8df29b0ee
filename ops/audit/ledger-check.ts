import { parseArgs } from 'node:util';
import { format } from '#domain/money.ts';
import { type BooksReport, checkBooks } from '#ops/audit/check-books.ts';
import { runCommand } from '#ops/command.ts';
import { onRunningDatabase } from '#ops/running-database.ts';

const usage = 'npm run ledger:check [-- --uri <mongodb uri>]';

/** The report as lines for a terminal. A credit balance (what came in) is below 0. */
function booksLines(report: BooksReport): readonly string[] {
  const { lines, entries, bookings, underWay, mistakes } = report;
  const books = lines.flatMap(({ organizerId, currency, balances }) => [
    `${organizerId}  ${currency}`,
    ...Object.entries(balances).map(
      ([account, amount]) => `  ${account.padEnd(10)} ${format({ amount, currency }).padStart(20)}`,
    ),
  ]);
  const found = mistakes.map(({ about, problem }) => `✗ ${about} ${problem}`);
  const verdict =
    mistakes.length === 0
      ? 'debits equal credits, and the money is where the books say'
      : `${mistakes.length} mistakes`;
  return [
    ...books,
    '',
    `${entries} entries of ${bookings} bookings, ${underWay} of them under way`,
    ...found,
    verdict,
  ];
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { uri: { type: 'string' } } });
  const report = await onRunningDatabase(values.uri, usage, checkBooks);
  for (const line of booksLines(report)) console.log(line);
  return report.mistakes.length === 0 ? 0 : 1;
}

if (import.meta.main) await runCommand(main);
