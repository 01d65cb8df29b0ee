import type { Exchange } from '#services/api/exchange.ts';
import type { PathParams } from '#services/api/gateway.ts';
import { aliasPath, type Operation } from '#services/api/operation.ts';

/** Answers one request; `path` holds the decoded fields of its address. Never rejects. */
export type Route = (exchange: Exchange, path: PathParams) => Promise<void> | void;

/** What the router uses of moleculer-web: its compiled aliases. */
export type AliasTable = {
  readonly aliases: readonly {
    readonly method: string;
    match(path: string): PathParams | false;
  }[];
  resolveAlias(
    path: string,
    method: string,
  ): { readonly alias: { readonly handler: Route }; readonly params: PathParams } | false;
};

export type Aliases = Record<string, Route>;

/** `{'GET /v1/events/:eventId': route, …}` for moleculer-web, which compiles the paths. */
export const aliasesOf = (
  operations: readonly Operation[],
  route: (operation: Operation) => Route,
): Aliases =>
  Object.fromEntries(
    operations.map((operation) => [
      `${operation.http.method} ${aliasPath(operation.http.path)}`,
      route(operation),
    ]),
  );

export type Found = { readonly route: Route; readonly path: PathParams };

/** Finds routes: addresses without fields by one look-up, the others through the aliases. */
export class Router {
  readonly #table: AliasTable;
  readonly #fixed: ReadonlyMap<string, Route>;

  constructor(table: AliasTable, aliases: Aliases) {
    this.#table = table;
    this.#fixed = new Map(Object.entries(aliases).filter(([address]) => !address.includes(':')));
  }

  /** HEAD finds what GET does. */
  find(method: string, path: string): Found | undefined {
    const asked = method === 'HEAD' ? 'GET' : method;
    const fixed = this.#fixed.get(`${asked} ${path}`);
    if (fixed !== undefined) return { route: fixed, path: {} };
    try {
      const found = this.#table.resolveAlias(path, asked);
      return found === false ? undefined : { route: found.alias.handler, path: found.params };
    } catch {
      // A field of the address that cannot be decoded names nothing.
      return undefined;
    }
  }

  /** The methods an address takes; empty where there is no such address. */
  methodsOf(path: string): string[] {
    const methods = new Set<string>();
    for (const alias of this.#table.aliases) {
      if (matches(alias, path)) methods.add(alias.method);
    }
    if (methods.has('GET')) methods.add('HEAD');
    return methods.size === 0 ? [] : [...methods, 'OPTIONS'].sort();
  }
}

function matches(alias: AliasTable['aliases'][number], path: string): boolean {
  try {
    return alias.match(path) !== false;
  } catch {
    return false;
  }
}
