import type { ActionContract, HttpMapping, ServiceContract } from '#contracts/contract.ts';

/** One operation of the API: an action with its HTTP mapping, prepared for the request path. */
export type Operation = {
  /** `reservations.reserve` */
  readonly action: string;
  readonly contract: ActionContract;
  readonly http: HttpMapping;
  /** Fields of `path`, in order. */
  readonly pathFields: readonly string[];
  readonly queryFields: ReadonlySet<string>;
  /** GET takes its params from path and query only. */
  readonly takesBody: boolean;
  readonly stream: boolean;
  readonly immutable: boolean;
};

const placeholder = /\{(\w+)\}/g;

/** Every action with an HTTP mapping. Throws when two of them share method and path. */
export function operationsOf(services: readonly ServiceContract[]): Operation[] {
  const operations = services.flatMap((service) =>
    Object.entries(service.actions).flatMap(([name, contract]) =>
      contract.http === undefined
        ? []
        : [operation(`${service.name}.${name}`, contract, contract.http)],
    ),
  );
  const seen = new Set<string>();
  for (const { http } of operations) {
    const address = `${http.method} ${http.path.replaceAll(placeholder, '{}')}`;
    if (seen.has(address)) throw new Error(`${address} has two contracts`);
    seen.add(address);
  }
  return operations;
}

const operation = (action: string, contract: ActionContract, http: HttpMapping): Operation => ({
  action,
  contract,
  http,
  pathFields: [...http.path.matchAll(placeholder)].map(([, field]) => field ?? ''),
  queryFields: new Set(http.query ?? []),
  takesBody: http.method !== 'GET',
  stream: http.mediaType === 'text/event-stream',
  immutable: http.cacheControl?.includes('immutable') ?? false,
});

/** `/v1/events/{eventId}` → `/v1/events/:eventId`, as moleculer-web spells it. */
export const aliasPath = (path: string): string => path.replaceAll(placeholder, ':$1');
