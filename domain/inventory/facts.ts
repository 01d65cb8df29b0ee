import type { Channel, SellRefusal } from '#domain/inventory/commands.ts';
import type { Terms } from '#domain/inventory/terms.ts';
import type { Quote } from '#domain/pricing.ts';

/**
 * What can become true of an event. `evolve(state, fact)` is the only thing that changes state;
 * a fact carries all it needs, places by index, times in epoch ms. Written to the journal as JSON
 * text, one array per batch (`fact-text.ts`).
 */
export type Fact =
  | { readonly type: 'opened'; readonly version: number; readonly terms: Terms }
  | { readonly type: 'terms-changed'; readonly version: number; readonly terms: Terms }
  | {
      readonly type: 'held';
      readonly hold: string;
      readonly fingerprint: string;
      readonly buyer: string;
      readonly channel: Channel;
      readonly places: readonly number[];
      readonly quote: Quote;
      readonly deadline: number;
    }
  | {
      readonly type: 'extended';
      readonly hold: string;
      readonly by: string;
      readonly deadline: number;
    }
  | {
      readonly type: 'pinned';
      readonly hold: string;
      readonly booking: string;
      readonly deadline: number;
    }
  | { readonly type: 'released'; readonly hold: string }
  | { readonly type: 'expired'; readonly hold: string }
  | {
      readonly type: 'sold';
      readonly booking: string;
      readonly hold: string;
      readonly payment: string;
      readonly buyer: string;
      readonly places: readonly number[];
      readonly quote: Quote;
    }
  | {
      readonly type: 'sell-refused';
      readonly booking: string;
      readonly hold: string;
      readonly reason: SellRefusal;
    }
  | {
      readonly type: 'unsold';
      readonly booking: string;
      readonly places: readonly number[];
      readonly blocked: boolean;
    }
  | { readonly type: 'blocked'; readonly version?: number; readonly places: readonly number[] }
  | { readonly type: 'unblocked'; readonly version: number; readonly places: readonly number[] }
  | {
      readonly type: 'claimed';
      readonly epoch: number;
      readonly node: string;
      readonly incarnation: string;
    }
  | { readonly type: 'handed-over'; readonly to: string | null };
