import type { CallingOptions, Context, ServiceBroker } from 'moleculer';
import type { z } from 'zod';
import type { CallMeta } from '#contracts/common.ts';
import type { Actions } from '#contracts/index.ts';

export type ActionName = keyof Actions & string;
export type ParamsOf<K extends ActionName> = z.input<Actions[K]['params']>;
export type ResultOf<K extends ActionName> = z.output<Actions[K]['result']>;

/** What a handler is given: parsed params and typed meta. */
export type UsherContext<P = unknown> = Context<P, CallMeta & Record<string, unknown>>;

/**
 * Calls an action by its contract. From a context, meta (caller, request id, deadline) and the
 * trace travel along; from a broker they start anew. Rejects with an error whose `code` is in the
 * registry (`codeOf`).
 */
export function call<K extends ActionName>(
  from: Context | ServiceBroker,
  name: K,
  params: ParamsOf<K>,
  options?: CallingOptions,
): Promise<ResultOf<K>> {
  return (from as ServiceBroker).call(name, params as object, options) as Promise<ResultOf<K>>;
}
