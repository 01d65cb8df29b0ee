import { readFileSync, writeFileSync } from 'node:fs';
import { circumstances } from '#bench/report/results.ts';
import { barText, type Result, short, tableOf, verdicts } from '#bench/support/results.ts';

const file = new URL('../../docs/performance.md', import.meta.url);
const marks = {
  begin: '<!-- figures: npm run bench -- --docs -->',
  end: '<!-- end of figures -->',
};

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** One suite as `docs/performance.md` shows it. */
export function sectionOf(result: Result): string {
  const [head = [], ...rows] = tableOf(result);
  const held = verdicts(result).map(({ bar, row: name, reached, holds }) =>
    row([bar.id, name, barText(bar), short(reached), holds ? 'holds' : '**falls short**']),
  );
  return [
    `### ${result.suite}`,
    circumstances(result),
    '',
    row(head),
    row(head.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...rows.map(row),
    '',
    row(['bar', 'of', 'wanted', 'reached', '']),
    row(['---', '---', '---', '---:', '---']),
    ...held,
  ].join('\n');
}

/** The sections of the document's generated part, by suite. */
export function sectionsIn(document: string): ReadonlyMap<string, string> {
  const [, part = ''] = document.split(marks.begin);
  const text = part.split(marks.end)[0] ?? '';
  const sections = text.split(/^(?=### )/m).map((section) => section.trim());
  return new Map(
    sections
      .filter((section) => section.startsWith('### '))
      .map((section) => [section.slice(4, section.indexOf('\n')), section]),
  );
}

export const readDocument = (): string => readFileSync(file, 'utf8');

/** The document with its generated part made from these results. */
export function withFigures(document: string, results: readonly Result[]): string {
  const [before = '', rest = ''] = document.split(marks.begin);
  const after = rest.split(marks.end)[1];
  if (after === undefined) throw new Error('docs/performance.md has lost its marks');
  const sections = results.map((result) => `${sectionOf(result)}\n`);
  return `${before}${[marks.begin, ...sections, marks.end].join('\n')}${after}`;
}

/** Writes the figures of `bench/results/` into `docs/performance.md`. */
export function writeDocument(results: readonly Result[]): void {
  writeFileSync(file, withFigures(readDocument(), results));
  console.log(`docs/performance.md: figures of ${results.length} suites`);
}
