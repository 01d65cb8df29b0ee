import { el } from './dom.js';

/** Fields for a promo code and a gift voucher; `onCodes` is called when one was typed in or taken away. */
export const codeFields = (onCodes) => [
  el('label', {}, 'Promo code', el('input', { name: 'promoCode', onchange: onCodes })),
  el('label', {}, 'Gift voucher', el('input', { name: 'voucher', onchange: onCodes })),
];

/** The codes that were typed in. */
export const codesOf = (form) => {
  const typed = ['promoCode', 'voucher'].map((name) => [name, form.elements[name].value.trim()]);
  return Object.fromEntries(typed.filter(([, text]) => text !== ''));
};
