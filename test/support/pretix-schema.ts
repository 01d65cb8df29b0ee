import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const release = 'pretix==2026.8.0';
const inWheel = 'pretix/static/seating/seating-plan.schema.json';

const extract = `
import glob, sys, zipfile
wheel = glob.glob(sys.argv[1] + '/*.whl')[0]
open(sys.argv[2], 'wb').write(zipfile.ZipFile(wheel).read('${inWheel}'))
`;

/**
 * The published schema of the pretix seating-plan format, out of the package that carries it; kept
 * in the machine's temporary folder. Undefined where the package cannot be had (an error in CI).
 */
export function publishedPretixSchema(): object | undefined {
  const folder = join(tmpdir(), `usher-${release.replace('==', '-')}`);
  const file = join(folder, 'seating-plan.schema.json');
  try {
    if (!existsSync(file)) {
      mkdirSync(folder, { recursive: true });
      const pip = ['-m', 'pip', 'download', '-q', '--disable-pip-version-check', '--no-deps'];
      const options = { stdio: 'pipe', timeout: 120_000 } as const;
      execFileSync('python3', [...pip, '--ignore-requires-python', '-d', folder, release], options);
      const unfinished = `${file}.${process.pid}`;
      execFileSync('python3', ['-c', extract, folder, unfinished], options);
      renameSync(unfinished, file);
    }
    return JSON.parse(readFileSync(file, 'utf8')) as object;
  } catch (error) {
    if (process.env.CI !== undefined) throw error;
    return undefined;
  }
}
