import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { allSources, functionsOf, isProduction, type Source } from '#test/tidy/source.ts';

const fileLinesMax = 400;
const functionLinesMax = 70;
const columnsMax = 100;

const sources = allSources();
const production = sources.filter(isProduction);

/** `path:line` of every line that breaks the rule. */
function linesThat(breakTheRule: (line: string) => boolean, among: readonly Source[]): string[] {
  return among.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (breakTheRule(line) ? [`${path}:${index + 1}`] : [])),
  );
}

describe('every source file', () => {
  it(`has at most ${fileLinesMax} lines`, () => {
    const long = sources.filter(({ lines }) => lines.length - 1 > fileLinesMax);
    expect(long.map(({ path, lines }) => `${path} has ${lines.length - 1}`)).toEqual([]);
  });

  it(`has functions of at most ${functionLinesMax} lines`, () => {
    const long = sources.flatMap((source) =>
      functionsOf(source)
        .filter(({ length }) => length > functionLinesMax)
        .map(({ firstLine, length }) => `${source.path}:${firstLine} has ${length}`),
    );
    expect(long).toEqual([]);
  });

  it(`has at most ${columnsMax} columns, texts in quotes aside`, () => {
    const quoted = /(['"`]|https?:\/\/).{30,}/;
    const wide = (line: string): boolean => line.length > columnsMax && !quoted.test(line);
    expect(linesThat(wide, sources)).toEqual([]);
  });

  it('leaves nothing for later', () => {
    const marks = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X:', 'HA' + 'CK'].join('|'));
    expect(linesThat((line) => marks.test(line), sources)).toEqual([]);
  });

  it('skips no test by hand', () => {
    const specs = sources.filter(({ path }) => path.endsWith('.spec.ts'));
    // `installed ? describe : describe.skip` skips by name what this machine cannot run.
    const skips = /\b(it|test|describe)\.((only|todo|failing)\b|skip\()|\bx(it|describe|test)\(/;
    expect(linesThat((line) => skips.test(line), specs)).toEqual([]);
  });
});

describe('what a server runs', () => {
  const clockAndIds = /^adapters\/(clock|ids)\//;
  const without = (folders: RegExp): Source[] =>
    production.filter(({ path }) => !folders.test(path));

  it('takes time and chance from the clock and the ids alone', () => {
    const time = /\bDate\.now\b|\bnew Date\(\)|\bhrtime\b/;
    const chance = /\bMath\.random\b|\brandom(Bytes|UUID|Int|Fill\w*)\b|\bgetRandomValues\b/;
    const ambient = (line: string): boolean => time.test(line) || chance.test(line);
    expect(linesThat(ambient, without(clockAndIds))).toEqual([]);
  });

  it('reads the environment in config alone', () => {
    const environment = /\bprocess\.env\b|\bloadEnvFile\b/;
    expect(linesThat((line) => environment.test(line), without(/^config\//))).toEqual([]);
  });

  it('asserts no type away', () => {
    const wayOut = /\bas any\b|: any\b|<any>|@ts-(ignore|nocheck)|biome-ignore/;
    const comment = /^\s*(\*|\/\/|\/\*\*)/;
    const code = (line: string): boolean => !comment.test(line) || line.includes('@ts-');
    expect(linesThat((line) => code(line) && wayOut.test(line), production)).toEqual([]);
  });
});

describe('no file is dead', () => {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const packageJson = JSON.parse(readFileSync('package.json', 'utf8'));
  const commands = Object.values(packageJson.scripts as Record<string, string>).join(' ');
  const inImage = readFileSync('Dockerfile', 'utf8').replaceAll(/["\],]/g, ' ');
  const named = new Set(`${commands} ${inImage}`.split(/\s+/));
  const entries = [...byPath.keys()].filter((path) => named.has(path));
  const tests = [...byPath.keys()].filter(
    (path) => path.endsWith('.spec.ts') || /^test\/support\/global-/.test(path),
  );

  /** Faithful memory forms of a port exist for tests and the simulation. */
  const forTests = /\/memory(-[^/]*)?\.ts$/;

  function reachableFrom(roots: readonly string[]): Set<string> {
    const seen = new Set<string>();
    const pending = [...roots];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const source = byPath.get(path);
      if (source === undefined || seen.has(path)) continue;
      seen.add(path);
      pending.push(...importsOf(source));
    }
    return seen;
  }

  it('of what a server runs, each is used by a command', () => {
    const used = reachableFrom(entries);
    const dead = production.map(({ path }) => path).filter((path) => !used.has(path));
    const browser = /^services\/api\/docs\//;
    expect(dead.filter((path) => !forTests.test(path) && !browser.test(path))).toEqual([]);
  });

  it('of tests, benchmarks and tools, each is used by a command or a test', () => {
    const used = reachableFrom([...entries, ...tests]);
    const inNode = sources.filter(({ path }) => /^(adapters|bench|ops|test)\//.test(path));
    expect(inNode.map(({ path }) => path).filter((path) => !used.has(path))).toEqual([]);
  });

  it('every command of package.json names a file that exists', () => {
    const files = [...named].filter((word) => /^[\w/.-]+\.ts$/.test(word));
    expect(files.filter((path) => !existsSync(path))).toEqual([]);
  });
});

describe('one stem across the layers', () => {
  it('gives every service its contract', () => {
    const withoutContract = ['api', 'ops'];
    const services = production.flatMap(
      ({ path }) => /^services\/([\w-]+)\.service\.ts$/.exec(path)?.[1] ?? [],
    );
    const missing = services
      .filter((stem) => !withoutContract.includes(stem))
      .filter((stem) => !existsSync(`contracts/${stem}.contract.ts`));
    expect(missing).toEqual([]);
  });
});

/** The files of ours that a file imports, loads or starts. */
function importsOf({ path, text }: Source): string[] {
  const quoted = /(?:from|import|import\(|new URL\(|resolve\()\s*'([^']+\.(?:ts|js))'/g;
  return [...text.matchAll(quoted)].map(([, name = '']) => {
    if (name.startsWith('#')) return name.slice(1);
    if (name.startsWith('.')) return join(dirname(path), name).replaceAll('\\', '/');
    return name;
  });
}
