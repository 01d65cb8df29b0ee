import { api } from './api.js';
import { el } from './dom.js';

const testCards = [
  ['pm_card_visa', 'Visa (test card that pays)'],
  ['pm_card_mastercard', 'Mastercard (test card that pays)'],
  ['pm_card_visa_chargeDeclined', 'Visa (test card that is declined)'],
  ['pm_card_threeDSecure2Required', 'Visa (test card with 3-D Secure)'],
  ['pm_card_createDispute', 'Visa (test card whose bank disputes)'],
];

/** My saved cards; none while the payment provider cannot be asked. */
export const savedCards = () =>
  api('GET', '/v1/account/payment-methods').then(
    ({ items }) => items,
    () => [],
  );

export const cardName = ({ brand, last4, expMonth, expYear }) =>
  `${brand[0].toUpperCase()}${brand.slice(1)} ending in ${last4}, good until ${expMonth}/${expYear}`;

/** Whether a card may be typed in here: only the provider's stand-in is spoken to directly. */
export const browserPayments = () =>
  api('GET', '/v1/payments/browser').then(
    (known) => (known.publishableKey && known.apiBase ? known : undefined),
    () => undefined,
  );

/**
 * What to pay with: a saved card, a test card, or (unless `typed` is false) a card that is typed in
 * on the next page. `payment()` is what a checkout takes; `mayKeep(false)` where whether the card
 * is kept is not the buyer's to choose.
 */
export function cardChoice({ typed = true, savable = true } = {}) {
  let mayKeep = savable;
  const select = el(
    'select',
    { name: 'card' },
    el(
      'optgroup',
      { label: 'A test card' },
      testCards.map(([value, text]) => el('option', { value: `token:${value}` }, text)),
    ),
  );
  const keep = el('input', { type: 'checkbox', name: 'keep' });
  const keepLine = el('label', { class: 'check' }, keep, 'Keep this card for next time');
  keepLine.hidden = !savable;
  const fill = async () => {
    const [saved, browser] = await Promise.all([savedCards(), typed && browserPayments()]);
    if (browser) {
      const own = el('option', { value: 'typed:' }, 'Type in a card on the next page');
      select.append(el('optgroup', { label: 'Another card' }, own));
    }
    if (saved.length === 0) return;
    const options = saved.map((card) =>
      el('option', { value: `saved:${card.paymentMethodId}` }, cardName(card)),
    );
    select.prepend(el('optgroup', { label: 'Your saved cards' }, options));
    select.value = options[0].value;
    shown();
  };
  const shown = () => {
    keepLine.hidden = !mayKeep || select.value.startsWith('saved:');
  };
  select.addEventListener('change', shown);
  fill();
  const payment = () => {
    const [kind, id] = [select.value.slice(0, 5), select.value.slice(6)];
    if (kind === 'saved') return { method: 'card', paymentMethodId: id };
    const kept = mayKeep && keep.checked ? { savePaymentMethod: true } : {};
    return { method: 'card', ...(kind === 'token' ? { token: id } : {}), ...kept };
  };
  const node = el(
    'fieldset',
    {},
    el('legend', {}, 'Pay with'),
    el('label', {}, 'Card', select),
    keepLine,
  );
  return {
    node,
    payment,
    mayKeep: (may) => {
      mayKeep = may;
      shown();
    },
  };
}
