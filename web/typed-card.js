import { browserPayments } from './card-choice.js';
import { el } from './dom.js';

/**
 * A form for a card's number, which goes from this browser to the payment provider and to nobody
 * else. The booking goes on by itself once the provider has authorised it.
 */
export function typedCard(clientSecret) {
  const problem = el('p', { class: 'error', role: 'alert' });
  const button = el('button', {}, 'Pay with this card');
  const field = (name, label, more) =>
    el('label', {}, label, el('input', { name, required: true, inputmode: 'numeric', ...more }));
  const form = el(
    'form',
    { class: 'card', 'aria-label': 'Your card' },
    el('h2', {}, 'Your card'),
    el(
      'p',
      { class: 'muted' },
      'A test card: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 does not.',
    ),
    field('number', 'Card number', { autocomplete: 'cc-number', pattern: '[0-9 ]{12,23}' }),
    field('exp', 'Good until (MM/YY)', { autocomplete: 'cc-exp', pattern: '[0-9]{2}/[0-9]{2}' }),
    field('cvc', 'Security code', { autocomplete: 'cc-csc', pattern: '[0-9]{3,4}' }),
    problem,
    button,
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.textContent = '';
    button.disabled = true;
    try {
      const intent = await confirm(clientSecret, new FormData(form));
      const bank = intent.next_action?.redirect_to_url?.url;
      form.replaceChildren(
        bank ? bankLink(bank) : el('p', { role: 'status' }, 'Thank you. Your booking goes on.'),
      );
    } catch (failure) {
      problem.textContent = failure?.message ?? 'The payment service cannot be reached. Try again.';
      button.disabled = false;
    }
  });
  return form;
}

export const bankLink = (url) =>
  el(
    'p',
    {},
    el(
      'a',
      { class: 'button', href: url, target: '_blank', rel: 'noopener' },
      'Confirm with your bank',
    ),
    ' (opens a new tab; this page goes on by itself)',
  );

async function confirm(clientSecret, data) {
  const browser = await browserPayments();
  if (!browser) throw new Error('Cards cannot be typed in here. Choose another way to pay.');
  const [month, year] = data.get('exp').split('/');
  const card = {
    number: data.get('number'),
    exp_month: month,
    exp_year: `20${year}`,
    cvc: data.get('cvc'),
  };
  const body = new URLSearchParams({
    key: browser.publishableKey,
    client_secret: clientSecret,
    return_url: location.origin,
    'payment_method_data[type]': 'card',
  });
  for (const [name, value] of Object.entries(card))
    body.set(`payment_method_data[card][${name}]`, value);
  const [intentId] = clientSecret.split('_secret_');
  const path = `${browser.apiBase}/v1/payment_intents/${intentId}/confirm`;
  const answer = await fetch(path, { method: 'POST', body });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error?.message ?? 'The card was refused.');
  return said;
}
