import { mkdirSync, writeFileSync } from 'node:fs';
import { chartOf } from '#bench/report/chart.ts';
import { circumstances, resultsFolder } from '#bench/report/results.ts';
import {
  barsOf,
  barText,
  figuresOf,
  type Result,
  short,
  tableOf,
  titleOf,
  verdicts,
} from '#bench/support/results.ts';
import { escapeHtml } from '#domain/html.ts';

const style = `
:root { color-scheme: light dark; --bar: #4c78c8; --line: #222; --target: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --bar: #7aa2f7; --line: #eee; --target: #ff8a80; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; }
svg { width: 100%; height: auto; font-size: 12px; fill: currentColor; }
rect { fill: var(--bar); } circle, .spread { fill: var(--line); stroke: var(--line); }
line.target { stroke: var(--target); stroke-dasharray: 4 3; } text.target { fill: var(--target); }
.short { color: var(--target); font-weight: 600; }
`;

const cells = (tag: 'th' | 'td', row: readonly string[]): string =>
  `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;

/** A page with every result as table and charts, which needs nothing from elsewhere. */
export function pageOf(results: readonly Result[]): string {
  const body =
    results.length === 0
      ? '<p>There are no results in bench/results yet.</p>'
      : results.map(sectionOf).join('\n');
  return (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Usher: benchmarks</title>' +
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head>` +
    `<body><h1>Benchmarks</h1>\n${body}\n</body></html>\n`
  );
}

function sectionOf(result: Result): string {
  const [head = [], ...rows] = tableOf(result);
  const names = [...new Set(result.rows.flatMap((row) => Object.keys(figuresOf(row))))];
  const charts = names.map(
    (name) => `<h3>${escapeHtml(titleOf(name))}</h3>${chartOf(result, name, barsOf(result))}`,
  );
  const held = verdicts(result).map(({ bar, row, reached, holds }) => {
    const words = `${bar.id}: ${row} reaches ${short(reached)}, wanted ${barText(bar)}`;
    return `<li${holds ? '' : ' class="short"'}>${escapeHtml(words)}${holds ? '' : ': falls short'}</li>`;
  });
  const settings = escapeHtml(JSON.stringify(result.settings, null, 2));
  return [
    `<section><h2>${escapeHtml(result.suite)}</h2>`,
    `<p>${escapeHtml(circumstances(result))}</p>`,
    `<table>${cells('th', head)}${rows.map((row) => cells('td', row)).join('')}</table>`,
    `<ul>${held.join('')}</ul>`,
    ...charts,
    `<details><summary>Settings</summary><pre>${settings}</pre></details></section>`,
  ].join('\n');
}

/** Writes `bench/results/report.html`. */
export function writePage(results: readonly Result[]): void {
  mkdirSync(resultsFolder, { recursive: true });
  writeFileSync(new URL('report.html', resultsFolder), pageOf(results));
  console.log('Written to bench/results/report.html');
}
