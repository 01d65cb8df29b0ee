import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { paymentMethodActions } from '#contracts/payment-methods.ts';
import { callerOf } from '#mixins/caller.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';
import { addMethod, methodsOf, removeMethod } from '#services/payments/wallet.ts';

type Actions = typeof paymentMethodActions;
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

export type MethodActionsOptions = {
  readonly runtime: Runtime;
  /** Where the bank sends the browser back to. */
  readonly returnUrl: string;
  /** What there is once the service has started. */
  readonly of: () => { readonly desk: PaymentDesk; readonly once: WithOnce['once'] };
};

/** A buyer's saved payment methods. */
export function methodActions({ runtime, returnUrl, of }: MethodActionsOptions) {
  const { publishableKey, apiBase } = runtime.config.stripe;
  return {
    methods: (ctx: Ctx<'methods'>) => methodsOf(of().desk, callerOf(ctx).userId),

    addMethod: (ctx: Ctx<'addMethod'>) => {
      const { userId } = callerOf(ctx);
      const { token } = ctx.params;
      const { desk, once } = of();
      return once(ctx, 'payment-methods', ctx.params, ({ ulid: key }) =>
        addMethod(desk, { userId, key, token, returnUrl }),
      );
    },

    removeMethod: async (ctx: Ctx<'removeMethod'>) => {
      const { paymentMethodId } = ctx.params;
      await removeMethod(of().desk, callerOf(ctx).userId, paymentMethodId);
      return { paymentMethodId };
    },

    browser: () => ({ publishableKey: publishableKey ?? null, apiBase: apiBase ?? null }),
  };
}
