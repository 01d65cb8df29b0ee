import type { Context, ServiceBroker } from 'moleculer';
import type { z } from 'zod';
import type { UnionToIntersection } from '#contracts/contract.ts';
import type { contracts } from '#contracts/index.ts';

type EventsOf<S> = S extends { readonly events: infer E } ? E : never;

/** `'inventory.changed'` → its schema. */
export type Events = UnionToIntersection<EventsOf<(typeof contracts)[number]>>;
export type EventName = keyof Events & string;
export type PayloadOf<K extends EventName> = Events[K] extends z.ZodType
  ? z.output<Events[K]>
  : never;

/** What an event handler is given. */
export type UsherEvent<K extends EventName> = Context<PayloadOf<K>>;

/** Sends an event of a contract to every instance of every service that listens, this one too. */
export const broadcast = <K extends EventName>(
  from: Context | ServiceBroker,
  name: K,
  payload: PayloadOf<K>,
): Promise<void> => (from as ServiceBroker).broadcast(name, payload);
