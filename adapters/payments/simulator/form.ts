import { unescape as unescaped } from 'node:querystring';

/** Decoded form parameters: `metadata[a]=1&expand[]=b` → `{metadata: {a: '1'}, expand: ['b']}`. */
export type Params = { readonly [name: string]: ParamValue };
export type ParamValue = string | readonly ParamValue[] | Params;

type Building = { [name: string]: Building | string };

const partsPattern = /^([^[\]]+)((?:\[[^[\]]*\])*)$/;
const plainPattern = /^[a-z_]+$/;
const depthMax = 5;
const pairsMax = 500;

function pathOf(name: string): readonly string[] | undefined {
  if (plainPattern.test(name)) return [name];
  const found = partsPattern.exec(name);
  if (found === null) return undefined;
  const [, head = '', tail = ''] = found;
  const parts = [head, ...[...tail.matchAll(/\[([^[\]]*)\]/g)].map(([, part = '']) => part)];
  return parts.length > depthMax ? undefined : parts;
}

function put(into: Building, path: readonly string[], value: string): void {
  let node = into;
  path.forEach((part, depth) => {
    const key = part === '' ? String(Object.keys(node).length) : part;
    if (depth === path.length - 1) {
      node[key] = value;
      return;
    }
    const next = node[key];
    const child = typeof next === 'object' ? next : Object.create(null);
    node[key] = child;
    node = child;
  });
}

/** Objects whose keys are 0, 1, 2 … are lists, as Stripe reads them. */
function settle(node: Building | string): ParamValue {
  if (typeof node === 'string') return node;
  const keys = Object.keys(node);
  const values = keys.map((key) => settle(node[key] ?? ''));
  if (keys.length > 0 && keys.every((key, index) => key === String(index))) return values;
  return Object.fromEntries(keys.map((key, index) => [key, values[index] ?? '']));
}

/** One side of a pair. What is encoded wrongly stands for itself, as everywhere on the web. */
function decoded(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? unescaped(spaced) : spaced;
}

/** Reads Stripe's form encoding. Undefined when a name is not of the form `a[b][]`. */
export function decodeForm(text: string): Params | undefined {
  const root: Building = Object.create(null);
  let pairs = 0;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const end = pair.indexOf('=');
    const path = pathOf(decoded(end === -1 ? pair : pair.slice(0, end)));
    if (path === undefined || ++pairs > pairsMax) return undefined;
    put(root, path, end === -1 ? '' : decoded(pair.slice(end + 1)));
  }
  return Object.fromEntries(Object.entries(root).map(([key, value]) => [key, settle(value)]));
}
