import type { Mistakes } from '#domain/chart-check.ts';
import { limits } from '#domain/limits.ts';

/** One line of the text form: `keyword word word key=value …`. */
export type Line = {
  /** `line 12`, as mistakes name it. */
  readonly path: string;
  readonly keyword: string;
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
};

/** Rows, sections, areas and comments: far more lines than places make no sense. */
const linesMax = limits.chartPlacesMax;

/** Word or `key=value`; each part may stand in quotes with \" and \\ inside. */
const token = /("(?:[^"\\]|\\.)*"|[^\s"=#]+)(?:=("(?:[^"\\]|\\.)*"|[^\s"]*))?/y;

const unquoted = (text: string): string =>
  text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text;

/** How a name is written: on one line, in quotes when it would not be read back without. */
export const quoted = (text: string): string =>
  /^[^\s"=#|\\]+$/.test(text)
    ? text
    : `"${text.replace(/[\r\n]+/g, ' ').replace(/(["\\])/g, '\\$1')}"`;

function lineOf(source: string, path: string, mistakes: Mistakes): Line | undefined {
  const words: string[] = [];
  const options = new Map<string, string>();
  let at = 0;
  while (at < source.length) {
    if (/\s/.test(source.charAt(at))) at++;
    else if (source.charAt(at) === '#') break;
    else {
      token.lastIndex = at;
      const match = token.exec(source);
      if (match === null) {
        mistakes.add(path, `cannot be read from column ${at + 1} on`);
        return undefined;
      }
      at = token.lastIndex;
      const [, left = '', right] = match;
      if (right === undefined) words.push(unquoted(left));
      else if (options.has(unquoted(left))) mistakes.add(path, `"${left}" is there twice`);
      else options.set(unquoted(left), unquoted(right));
    }
  }
  const [keyword, ...rest] = words;
  if (keyword === undefined) {
    if (options.size > 0) mistakes.add(path, 'a line begins with a keyword');
    return undefined;
  }
  return { path, keyword, words: rest, options };
}

/** The lines that say something; empty ones and comments (`# …`) are left out. */
export function linesOf(text: string, mistakes: Mistakes): Line[] {
  const sources = text.split(/\r\n|\n|\r/);
  if (sources.length > linesMax) {
    mistakes.add(`line ${linesMax + 1}`, `more than ${linesMax} lines`);
    return [];
  }
  return sources
    .map((source, i) => lineOf(source, `line ${i + 1}`, mistakes))
    .filter((line) => line !== undefined);
}
