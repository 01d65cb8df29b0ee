import type { Access, ActionContract, HttpMapping, ServiceContract } from '#contracts/contract.ts';
import type { ErrorCode } from '#domain/errors.ts';

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
  /** Answers everybody the same for ever. */
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
  immutable:
    http.method === 'GET' &&
    http.access === 'public' &&
    (http.cacheControl?.includes('immutable') ?? false),
});

/** `/v1/events/{eventId}` → `/v1/events/:eventId`, as moleculer-web spells it. */
export const aliasPath = (path: string): string => path.replaceAll(placeholder, ':$1');

const accessErrors: Readonly<Record<Access, readonly ErrorCode[]>> = {
  public: [],
  user: ['unauthenticated'],
  'box-office': ['unauthenticated', 'forbidden'],
  organizer: ['unauthenticated', 'forbidden'],
  support: ['unauthenticated', 'forbidden'],
  admin: ['unauthenticated', 'forbidden'],
};

/** Codes between nodes never reach a caller. */
export const innerCodes: ReadonlySet<ErrorCode> = new Set(['moved', 'not-owner']);

/** Every code a caller of the operation may meet: the gateway's own and the contract's. */
export function codesOf({ contract, http, takesBody }: Operation): ErrorCode[] {
  const body: ErrorCode[] = takesBody
    ? ['malformed-json', 'body-too-large', 'unsupported-media-type', 'outcome-unknown']
    : [];
  const key: ErrorCode[] = http.idempotency === 'required' ? ['idempotency-key-required'] : [];
  const always: ErrorCode[] = [
    'invalid-request',
    'internal',
    'overloaded',
    'unavailable',
    'deadline-exceeded',
  ];
  const all = [...accessErrors[http.access], ...key, ...body, ...contract.errors, ...always];
  return [...new Set(all)].filter((code) => !innerCodes.has(code));
}
