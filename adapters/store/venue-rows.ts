import type { Versioned } from '#adapters/store/moleculer-db-adapter.ts';
import type { GeoPoint } from '#domain/event-search.ts';

/** A venue as it is stored; times in epoch ms. `cityKey` and `zipKey` are what look-ups compare. */
export type VenueRow = Versioned & {
  readonly organizerId: string;
  readonly name: string;
  readonly address?: string | undefined;
  readonly city: string;
  readonly zip?: string | undefined;
  readonly country: string;
  readonly location?: GeoPoint | undefined;
  readonly zone?: string | undefined;
  readonly description?: string | undefined;
  readonly cityKey: string;
  readonly zipKey: string;
  readonly createdAt: number;
  readonly updatedAt: number;
};
