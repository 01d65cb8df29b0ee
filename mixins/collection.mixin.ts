import type { Service, ServiceSchema } from 'moleculer';
import DbService from 'moleculer-db';
import type { MoleculerDbAdapter, Versioned } from '#adapters/store/moleculer-db-adapter.ts';

// The package declares a class where it exports a schema.
const dbSchema = DbService as unknown as ServiceSchema;

/**
 * Binds one collection to a service through moleculer-db. Its `find`, `count` and `get` actions are
 * for services of the same node; its writing actions are left out, because they know no versions.
 * moleculer-db works on a copy of the adapter: `bind` is given the one that gets connected.
 */
export function collectionMixin<T extends Versioned>(
  adapter: MoleculerDbAdapter<T>,
  bind: (adapter: MoleculerDbAdapter<T>) => void,
): Partial<ServiceSchema> {
  const { find, count, get } = (dbSchema.actions ?? {}) as Record<string, object>;
  const hidden = { visibility: 'protected', cache: false } as const;
  return {
    mixins: [
      {
        ...dbSchema,
        adapter,
        settings: { ...dbSchema.settings, cacheCleanEventType: 'broadcastLocal' },
        actions: {
          find: { ...find, ...hidden },
          count: { ...count, ...hidden },
          get: { ...get, ...hidden },
        },
      } as Partial<ServiceSchema>,
    ],
    created(this: Service) {
      bind((this as Service & { adapter: MoleculerDbAdapter<T> }).adapter);
    },
  };
}
