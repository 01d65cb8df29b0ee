import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { parseSync } from '@swc/core';

/** Folders whose code runs on a server. */
export const layers = [
  'actors',
  'adapters',
  'broker',
  'config',
  'contracts',
  'domain',
  'flows',
  'mixins',
  'services',
  'start',
] as const;

const others = ['bench', 'ops', 'test', 'web'];
const extensions = ['.ts', '.js'];

export type Source = {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
};

/** Every source file of our own. */
export function allSources(): Source[] {
  const inFolders = [...layers, ...others].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  return [...readdirSync('.'), ...inFolders]
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => extensions.includes(extname(path)) && !path.startsWith('test/fixtures/'))
    .map((path) => {
      const text = readFileSync(path, 'utf8');
      return { path, text, lines: text.split('\n') };
    });
}

/** The part of the system that a server runs: the layers, main and the broker's options. */
export const isProduction = ({ path }: Source): boolean =>
  path === 'main.ts' ||
  path === 'moleculer.config.ts' ||
  layers.some((layer) => path.startsWith(`${layer}/`));

export type FunctionSpan = { readonly firstLine: number; readonly length: number };

const functionTypes = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'MethodProperty',
  'Constructor',
]);

type Node = { type?: string; span?: { start: number; end: number }; [key: string]: unknown };

/** The functions of a file by their lines, without the bodies of `describe`, which group tests. */
export function functionsOf(source: Source): FunctionSpan[] {
  const syntax = source.path.endsWith('.ts') ? 'typescript' : 'ecmascript';
  const bytes = Buffer.from(source.text);
  const tree = parseSync(source.text, { syntax, target: 'es2024' }) as unknown as Node;
  const spans: FunctionSpan[] = [];
  // The parser counts bytes from 1.
  const lineAt = (position: number): number =>
    bytes
      .subarray(0, position - 1)
      .toString()
      .split('\n').length;

  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { type, span } = node as Node;
    if (span !== undefined && functionTypes.has(type ?? '') && !groups(node)) {
      const firstLine = lineAt(span.start);
      spans.push({ firstLine, length: lineAt(span.end) - firstLine + 1 });
    }
    for (const value of Object.values(withoutGroups(node as Node))) visit(value);
  };
  visit(tree);
  return spans;
}

/** Whether tests are made in it: then it is a list of them, not one thing to understand. */
function groups(node: object): boolean {
  const { type, callee } = node as Node & { callee?: { value?: string } };
  if (type === 'CallExpression' && callee?.value === 'it') return true;
  return Object.values(node).some(
    (value) => typeof value === 'object' && value !== null && groups(value),
  );
}

/** A call of `describe…(name, body)` as the statements of its body. */
function withoutGroups(node: Node): Node {
  const callee = node.callee as { value?: string; object?: { value?: string } } | undefined;
  const name = callee?.value ?? callee?.object?.value ?? '';
  if (node.type !== 'CallExpression' || !name.startsWith('describe')) return node;
  const body = (node.arguments as Array<{ expression: Node }>).at(-1)?.expression;
  return { body: body?.body };
}
