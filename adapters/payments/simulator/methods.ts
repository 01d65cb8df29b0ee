import { aliasOf, aliasOfNumber, methodIdOf } from '#adapters/payments/simulator/cards.ts';
import { invalidParam, missing, refused } from '#adapters/payments/simulator/errors.ts';
import type { Params } from '#adapters/payments/simulator/form.ts';
import type { Paying } from '#adapters/payments/simulator/intents.ts';
import { objectOf, oneOf, onlyKnown, required, text } from '#adapters/payments/simulator/params.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

/** The customer that a request names, which must exist. */
export async function knownCustomer(world: World, params: Params): Promise<string | null> {
  const id = text(params, 'customer');
  if (id === undefined) return null;
  if ((await world.store.find('customer', id)) === undefined) {
    throw missing('customer', id, 'customer', 400);
  }
  return id;
}

/**
 * What a payment-method id stands for. One that was made before may be used again only as its
 * customer's, and only for that customer's payments.
 */
export async function methodToUse(
  world: World,
  id: string,
  customer: string | null,
): Promise<Pick<Paying, 'alias' | 'methodId' | 'saved'>> {
  const alias = aliasOf(id);
  if (alias === undefined) throw missing('PaymentMethod', id, 'payment_method', 400);
  if (alias === id) return { alias, methodId: methodIdOf(alias, world.newId('pm')), saved: false };
  const kept = await world.store.find('payment_method', id);
  const owner = kept?.body.customer ?? null;
  if (kept === undefined || kept.detached) {
    const message = `The provided PaymentMethod (${id}) was previously used without being attached to a Customer or was detached from a Customer, and may not be used again.`;
    throw refused(message, undefined, { param: 'payment_method' });
  }
  if (owner !== null && owner !== customer) {
    const message = `The PaymentMethod ${id} belongs to another Customer. Please include the Customer in the \`customer\` parameter.`;
    throw refused(message, undefined, { param: 'payment_method' });
  }
  return { alias, methodId: id, saved: owner !== null };
}

/** The test payment method that `card[number]` or `card[token]` names. */
export function aliasOfCard(card: Params): string {
  onlyKnown(card, ['number', 'exp_month', 'exp_year', 'cvc']);
  const alias = aliasOfNumber(required(text(card, 'number'), 'card[number]'));
  if (alias !== undefined) return alias;
  throw invalidParam('Your card number is incorrect.', 'card[number]', 'incorrect_number');
}

/** The payment method of a confirmation: by its id, or as the card form was filled in. */
export function chosenMethod(params: Params): string | undefined {
  const id = text(params, 'payment_method');
  if (id !== undefined || params.payment_method_data === undefined) return id;
  const data = objectOf(params, 'payment_method_data');
  required(oneOf(data, 'type', ['card']), 'payment_method_data[type]');
  return aliasOfCard(objectOf(data, 'card'));
}
