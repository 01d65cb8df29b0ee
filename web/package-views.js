import { api, newKey, price, session } from './api.js';
import { el, problemText, sayProblem } from './dom.js';
import { percent, shortWhen } from './texts.js';

const stateTexts = {
  'on-sale': 'on sale',
  scheduled: 'not yet on sale',
  closed: 'no longer on sale',
  'sold-out': 'sold out',
};

const cheaper = ({ discountBasisPoints, fixedPrice }) =>
  discountBasisPoints
    ? `${percent(discountBasisPoints)} off`
    : fixedPrice
      ? `${price(fixedPrice)} together`
      : '';

/** Packages that can be had: several events at one price. */
export async function packagesView(main) {
  main.append(
    el('h1', {}, 'Packages'),
    el('p', {}, 'Several events at one price, all of them or none.'),
  );
  const { items } = await api('GET', '/v1/bundles?limit=50');
  const cards = items.map((offer) =>
    el(
      'li',
      { class: 'card' },
      el('h2', {}, el('a', { href: `#/packages/${offer.packageId}` }, offer.name)),
      offer.description ? el('p', {}, offer.description) : '',
      el('p', {}, `${offer.events.length} events, ${cheaper(offer)}`),
      el('p', { class: 'muted' }, offersLeft(offer)),
    ),
  );
  main.append(
    cards.length ? el('ul', { class: 'cards' }, cards) : el('p', {}, 'None at the moment.'),
  );
}

const offersLeft = ({ state, left }) =>
  `${stateTexts[state]}${left === null ? '' : `, ${left.toLocaleString()} left`}`;

/** One package: its events, its price, and taking some. */
export async function packageView(main, packageId) {
  const offer = await api('GET', `/v1/bundles/${packageId}`);
  const problem = el('p', { class: 'error', role: 'alert' });
  const form = takeForm(offer, problem);
  main.append(
    el('h1', {}, offer.name),
    offer.description ? el('p', {}, offer.description) : '',
    el('p', { class: 'muted' }, offersLeft(offer)),
    el('ul', { class: 'cards' }, offer.events.map(eventCard)),
    el(
      'section',
      { class: 'card', 'aria-label': 'Take it' },
      el(
        'p',
        {},
        el('strong', {}, `From ${price(offer.price.total)}`),
        ` instead of ${price(offer.price.separately)}, fees and taxes included`,
      ),
      el(
        'p',
        { class: 'muted' },
        offer.divisible
          ? 'Afterwards one event, or single tickets, may be given back alone.'
          : 'It can be given back as a whole only.',
      ),
      form,
      problem,
    ),
  );
}

const eventCard = (event) =>
  el(
    'li',
    { class: 'card' },
    el('h2', {}, el('a', { href: `#/events/${event.eventId}` }, event.title)),
    el('p', { class: 'muted' }, event.venue),
    el('p', {}, shortWhen(event.startsAt, event.zone)),
    el(
      'p',
      {},
      `${event.category ? `${event.category}, ` : ''}by itself from ${price(event.from)}`,
      event.counts ? ` · ${event.counts.available.toLocaleString()} left` : '',
    ),
  );

function takeForm(offer, problem) {
  const button = el('button', { disabled: offer.state !== 'on-sale' }, 'Hold the best seats');
  const numbers = Array.from({ length: Math.min(8, offer.left ?? 8) }, (_, i) => String(i + 1));
  const quantity = el(
    'select',
    { name: 'quantity' },
    numbers.map((text) => el('option', {}, text)),
  );
  const form = el('form', {}, el('label', {}, 'Packages', quantity), button);
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.textContent = '';
    if (!session.get()) {
      sessionStorage.setItem('usher:back', location.hash);
      location.hash = '#/account';
      return;
    }
    button.disabled = true;
    try {
      const body = { quantity: Number(quantity.value) };
      const path = `/v1/bundles/${offer.packageId}/reserve`;
      const { bundleId } = await api('POST', path, body, { key: newKey() });
      location.hash = `#/orders/${bundleId}`;
    } catch (failure) {
      problem.textContent = problemText(failure);
      sayProblem(failure);
      button.disabled = false;
    }
  });
  return form;
}
