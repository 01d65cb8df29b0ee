import type { z } from 'zod';
import type { paymentMethodActions } from '#contracts/payment-methods.ts';
import { UsherError } from '#domain/errors.ts';
import type { PaymentDesk } from '#services/payments/desk.ts';

type Methods = z.output<(typeof paymentMethodActions)['methods']['result']>;
type Added = z.output<(typeof paymentMethodActions)['addMethod']['result']>;

/** The provider's customer of an account, made at its first use. */
export const customerOf = ({ customers, provider }: PaymentDesk, userId: string): Promise<string> =>
  customers.ensure(userId, () => provider.wallet.createCustomer(userId));

/** What an account has saved. */
export async function methodsOf({ customers, provider }: PaymentDesk, userId: string) {
  const customerId = await customers.of(userId);
  const saved = customerId === undefined ? [] : await provider.wallet.methods(customerId);
  const items: Methods['items'] = saved.map(({ createdAt, ...method }) => ({
    ...method,
    createdAt: new Date(createdAt).toISOString(),
  }));
  return { items };
}

/** Begins to save a payment method; `key` makes it one saving however often it is asked. */
export async function addMethod(
  desk: PaymentDesk,
  order: {
    readonly userId: string;
    readonly key: string;
    readonly token: string | undefined;
    readonly returnUrl: string;
  },
): Promise<Added> {
  const customerId = await customerOf(desk, order.userId);
  return desk.provider.wallet.setUp({ ...order, customerId });
}

/** Throws `not-found` for what is not one of this account's. */
export async function removeMethod(
  { customers, provider }: PaymentDesk,
  userId: string,
  paymentMethodId: string,
): Promise<void> {
  const customerId = await customers.of(userId);
  if (customerId === undefined) throw new UsherError('not-found');
  await provider.wallet.remove(customerId, paymentMethodId);
}
