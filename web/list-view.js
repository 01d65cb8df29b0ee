import { api, price, when } from './api.js';
import { el } from './dom.js';

/** Events that can be found, with a search by words and city. */
export async function listView(main) {
  const list = el('ul', { class: 'cards' });
  const more = el('button', { class: 'quiet', hidden: true }, 'More events');
  const form = el(
    'form',
    { role: 'search' },
    el(
      'label',
      {},
      'Search',
      el('input', { name: 'q', type: 'search', placeholder: 'Event, performer, venue' }),
    ),
    el('button', {}, 'Find'),
  );
  let cursor;
  const load = async (fresh) => {
    const query = new URLSearchParams({ limit: '12' });
    const words = new FormData(form).get('q');
    if (words) query.set('q', words);
    if (!fresh && cursor) query.set('cursor', cursor);
    const page = await api('GET', `/v1/events?${query}`);
    if (fresh) list.replaceChildren();
    list.append(...page.items.map(card));
    if (fresh && page.items.length === 0) list.append(el('li', {}, 'Nothing found.'));
    cursor = page.nextCursor;
    more.hidden = !cursor;
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    load(true);
  });
  more.addEventListener('click', () => load(false));
  main.append(el('h1', {}, 'What is on'), form, list, more);
  await load(true);
}

const card = (event) =>
  el(
    'li',
    { class: 'card' },
    el('h2', {}, el('a', { href: `#/events/${event.eventId}` }, event.title)),
    el('p', { class: 'muted' }, `${event.venue.name}, ${event.venue.city}`),
    el('p', {}, when(event.startsAt, event.zone)),
    el(
      'p',
      {},
      `from ${price(event.priceFrom)}`,
      event.available === null ? '' : ` · ${event.available.toLocaleString()} left`,
    ),
  );
