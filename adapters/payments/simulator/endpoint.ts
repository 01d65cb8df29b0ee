import type { Params } from '#adapters/payments/simulator/form.ts';
import type { Answer } from '#adapters/payments/simulator/model.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

/** One request that the simulator knows. */
export type Endpoint = {
  /** `payment_intents.confirm`: what fault rules name. */
  readonly operation: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: RegExp;
  /** Names the object whose requests run one after the other. */
  readonly orderBy?: (id: string, params: Params) => string | undefined;
  readonly known: readonly string[];
  readonly run: (world: World, id: string, params: Params) => Promise<Answer>;
};
