import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { idPatterns } from '#domain/ids.ts';
import { type Anchors, checkChains, type LogReport } from '#ops/audit/check-chains.ts';
import { runCommand } from '#ops/command.ts';
import { onRunningDatabase } from '#ops/running-database.ts';

const usage =
  'npm run audit:verify [-- --organizer org_…] [--anchors <file>] [--uri <mongodb uri>]';

export const isSound = ({ chains, unrecorded }: LogReport): boolean =>
  unrecorded.length === 0 && chains.every(({ flaws }) => flaws.length === 0);

/** The report as lines for a terminal: each chain with its end, and what is wrong where. */
export function logLines(report: LogReport): readonly string[] {
  const { chains, unrecorded } = report;
  const lines = chains.flatMap(({ organizerId, entries, end, flaws }) => [
    `${flaws.length === 0 ? '✓' : '✗'} ${organizerId}  ${entries} entries, ends with ${end?.hash ?? 'nothing'}`,
    ...flaws.map(({ seq, kind, detail }) => `  entry ${seq}  ${kind}: ${detail}`),
  ]);
  const lost = unrecorded.map((source) => `✗ ${source}  unrecorded: it stands in no chain`);
  const count = chains.reduce((sum, { entries }) => sum + entries, 0);
  const verdict = isSound(report)
    ? `${chains.length} chains, ${count} entries: all as written`
    : 'the audit log is damaged';
  return [...lines, ...lost, '', verdict];
}

/** Where every chain ends, to be kept outside the database. */
const anchorsOf = ({ chains }: LogReport, before: Anchors): Anchors => ({
  ...before,
  ...Object.fromEntries(
    chains.flatMap(({ organizerId, end }) => (end === undefined ? [] : [[organizerId, end]])),
  ),
});

const readAnchors = (file: string | undefined): Anchors =>
  file === undefined || !existsSync(file) ? {} : JSON.parse(readFileSync(file, 'utf8'));

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      uri: { type: 'string' },
      organizer: { type: 'string' },
      anchors: { type: 'string' },
    },
  });
  const { organizer, anchors: file } = values;
  if (organizer !== undefined && !idPatterns.organizer.test(organizer)) throw new Error(usage);
  const anchors = readAnchors(file);
  const report = await onRunningDatabase(values.uri, usage, (db) =>
    checkChains(new AuditLog(db), new AuditSources(db), organizer, anchors),
  );
  for (const line of logLines(report)) console.log(line);
  if (!isSound(report)) return 1;
  if (file !== undefined) {
    writeFileSync(file, `${JSON.stringify(anchorsOf(report, anchors), null, 2)}\n`);
  }
  return 0;
}

if (import.meta.main) await runCommand(main);
