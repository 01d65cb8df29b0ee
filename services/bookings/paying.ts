import type { z } from 'zod';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import type { CheckoutWish } from '#domain/booking-moves.ts';
import { invalid } from '#domain/checkout.ts';

type Payment = z.output<(typeof bookingsContract)['actions']['checkout']['params']>['payment'];
type Paying = Pick<CheckoutWish, 'token' | 'byBrowser' | 'save' | 'saved'>;

/**
 * How a checkout is to be paid: a card of this moment, a saved one, or whatever the buyer's browser
 * chooses. Throws `invalid-request` for what excludes one another.
 */
export function payingOf(payment: Payment): Paying {
  if (payment === undefined) return {};
  const { token, paymentMethodId, savePaymentMethod: save } = payment;
  if (paymentMethodId === undefined) return { token, byBrowser: token === undefined, save };
  if (token !== undefined) throw invalid('payment.token', 'not together with paymentMethodId');
  if (save) throw invalid('payment.savePaymentMethod', 'paymentMethodId is saved already');
  return { token: paymentMethodId, saved: true };
}
