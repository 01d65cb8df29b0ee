import type { z } from 'zod';
import type { ErrorCode } from '#domain/errors.ts';

/** Who may call an action from outside. `service` actions have no HTTP mapping. */
export type Access = 'public' | 'user' | 'box-office' | 'organizer' | 'support' | 'admin';

/** How an action appears over HTTP. Path, query and body fields are merged into its params. */
export type HttpMapping = {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** OpenAPI style: `/v1/reservations/{reservationId}`. */
  readonly path: string;
  /** Params taken from the query string (others come from path or body). */
  readonly query?: readonly string[];
  /** Status of a success unless the action sets another. */
  readonly success: number;
  readonly access: Access;
  readonly idempotency?: 'required' | 'accepted';
  /** `Cache-Control` of a success; `no-store` when absent. */
  readonly cacheControl?: string;
  /** Default: `limits.bodyBytesMax`. */
  readonly bodyBytesMax?: number;
  /** The action gets the raw body text as `params.body` and the headers it names as `params.headers`. */
  readonly rawBody?: { readonly headers: readonly string[] };
  /** The action answers other statuses too (302, 304, …); for the OpenAPI document. */
  readonly otherStatuses?: Readonly<Record<number, string>>;
  /**
   * With `Prefer: wait=N` (RFC 7240) the success is what this action shows of the result when the
   * work on it has ended, at the latest after N seconds. It takes `[id]` of the result and `wait`.
   */
  readonly shownBy?: { readonly action: string; readonly id: string };
  /** The body is not JSON: media type of a success. */
  readonly mediaType?: string;
  /** Groups operations in the OpenAPI document. */
  readonly tag: string;
};

/**
 * Where an action runs. `any`: a node that offers it, this one preferred; `local`: always here;
 * `event`: the node that the placement strategy names for `params.eventId`.
 */
export type Placement = 'any' | 'local' | 'event';

export type ActionContract<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> = {
  /** One sentence: what it does. Shown in the OpenAPI document. */
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /** Codes a caller must expect besides `invalid-request`, `internal`, `deadline-exceeded`. */
  readonly errors: readonly ErrorCode[];
  readonly http?: HttpMapping;
  readonly placement?: Placement;
  /** Default: `limits.callTimeoutMs`. */
  readonly timeoutMs?: number;
};

export type ServiceContract = {
  readonly name: string;
  readonly actions: Readonly<Record<string, ActionContract>>;
  /** Events it emits, by full name (`booking.confirmed`). */
  readonly events?: Readonly<Record<string, z.ZodType>>;
};

/** States an action's contract; the types of params and result follow from the schemas. */
export const action = <P extends z.ZodType, R extends z.ZodType>(
  contract: ActionContract<P, R>,
): ActionContract<P, R> => contract;

/** States a service's contract, keeping the literal types of its actions. */
export const service = <const S extends ServiceContract>(contract: S): S => contract;

/** Union of `name.action` → contract over a tuple of services. */
export type ActionsOf<S extends ServiceContract> = S extends ServiceContract
  ? { [K in keyof S['actions'] & string as `${S['name']}.${K}`]: S['actions'][K] }
  : never;

/** `A | B` → `A & B`. */
export type UnionToIntersection<U> = (U extends unknown ? (u: U) => void : never) extends (
  i: infer I,
) => void
  ? I
  : never;

export type ActionMap<S extends ServiceContract> = UnionToIntersection<ActionsOf<S>>;
