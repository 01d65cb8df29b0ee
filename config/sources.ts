import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { secretNames, settingNames } from '#config/schema.ts';

export type Env = Readonly<Record<string, string | undefined>>;

/** Reads a text file; undefined where there is none; throws when it cannot be read. */
export type Files = (path: string) => string | undefined;

export const diskFiles: Files = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
};

const line = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=/;

/**
 * The settings of the environment, over those of the file `.env`, and the secrets whose value
 * stands in a file that `<NAME>_FILE` names. Empty values count as not set. Adds to `problems`.
 */
export function gather(env: Env, files: Files, problems: string[]): Env {
  const merged: Record<string, string | undefined> = { ...fromEnvFile(files, problems) };
  for (const [name, value] of Object.entries(env)) if (value !== '') merged[name] = value;
  for (const name of secretNames) {
    const path = merged[`${name}_FILE`];
    if (path === undefined || path === '') continue;
    if (merged[name]) problems.push(`${name} and ${name}_FILE are both set; keep one`);
    else merged[name] = fromSecretFile(name, path, files, problems);
  }
  const set = Object.entries(merged).filter(([, value]) => value !== '' && value !== undefined);
  return Object.fromEntries(set);
}

function fromEnvFile(files: Files, problems: string[]): Env {
  const text = readOr('.env', files, problems);
  if (text === undefined) return {};
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content.trim() === '' || content.trimStart().startsWith('#')) continue;
    const name = line.exec(content)?.[1];
    if (name === undefined) problems.push(`.env line ${index + 1} is not of the form NAME=value`);
    else if (!known(name)) problems.push(`.env line ${index + 1}: there is no setting ${name}`);
  }
  return parseEnv(text);
}

const known = (name: string): boolean =>
  settingNames.includes(name) || secretNames.some((secret) => name === `${secret}_FILE`);

function fromSecretFile(
  name: string,
  path: string,
  files: Files,
  problems: string[],
): string | undefined {
  const before = problems.length;
  const text = readOr(path, files, problems)?.trim();
  if (problems.length > before) return undefined;
  if (text === undefined) problems.push(`${name}_FILE names ${path}, which does not exist`);
  else if (text === '') problems.push(`${name}_FILE names ${path}, which is empty`);
  return text;
}

function readOr(path: string, files: Files, problems: string[]): string | undefined {
  try {
    return files(path);
  } catch (error) {
    problems.push(`${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? error})`);
    return undefined;
  }
}
