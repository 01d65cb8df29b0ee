import type { PaymentDesk } from '#services/payments/desk.ts';

/** The provider's customer of an account, made at its first use. */
export const customerOf = ({ customers, provider }: PaymentDesk, userId: string): Promise<string> =>
  customers.ensure(userId, () => provider.wallet.createCustomer(userId));
