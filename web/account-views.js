import { api, price, session } from './api.js';
import { cardName, savedCards } from './card-choice.js';
import { el, say, sayProblem, seatName } from './dom.js';
import { shortWhen, stateText } from './texts.js';

const changed = () => dispatchEvent(new Event('usher:session'));

/** Sign up, sign in, sign out. */
export async function accountView(main) {
  const current = session.get();
  if (current) {
    main.append(el('h1', {}, current.user.name), el('p', {}, current.user.email));
    main.append(await myCards(), el('button', { onclick: signOut }, 'Sign out'));
    return;
  }
  main.append(
    el('h1', {}, 'Sign in or sign up'),
    credentials('login', 'Sign in', false),
    credentials('signup', 'Sign up', true),
  );
}

/** Cards that are kept with the payment provider, each with a button that forgets it. */
async function myCards() {
  const cards = await savedCards();
  const list = el('ul', { class: 'plain' });
  const row = (card) => {
    const forget = async () => {
      try {
        await api('DELETE', `/v1/account/payment-methods/${card.paymentMethodId}`);
        item.remove();
        say('The card is forgotten.');
      } catch (problem) {
        sayProblem(problem);
      }
    };
    const label = `Forget ${cardName(card)}`;
    const button = el('button', { class: 'quiet', 'aria-label': label, onclick: forget }, 'Forget');
    const item = el('li', {}, `${cardName(card)} `, button);
    return item;
  };
  list.append(...cards.map(row));
  const none = cards.length > 0 ? '' : el('p', { class: 'muted' }, 'None yet.');
  return el('section', { class: 'card' }, el('h2', {}, 'Saved cards'), list, none);
}

async function signOut() {
  const { refreshToken } = session.get();
  await api('POST', '/v1/auth/logout', { refreshToken }).catch(() => {});
  session.clear();
  changed();
}

function credentials(route, title, withName) {
  const field = (name, type, label, complete) =>
    el('label', {}, label, el('input', { name, type, required: true, autocomplete: complete }));
  const form = el(
    'form',
    { class: 'card' },
    el('h2', {}, title),
    withName ? field('name', 'text', 'Name', 'name') : '',
    field('email', 'email', 'E-mail', 'email'),
    field('password', 'password', 'Password', withName ? 'new-password' : 'current-password'),
    el('button', {}, title),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    try {
      session.set(await api('POST', `/v1/auth/${route}`, Object.fromEntries(new FormData(form))));
      const back = sessionStorage.getItem('usher:back');
      sessionStorage.removeItem('usher:back');
      if (back && back !== location.hash) location.hash = back;
      changed();
    } catch (problem) {
      const fields = (problem?.errors ?? []).map((e) => `${e.path}: ${e.message}`).join('; ');
      if (fields) say(fields);
      else sayProblem(problem);
    }
  });
  return form;
}

/** Everything I bought, newest first. */
export async function bookingsView(main) {
  main.append(el('h1', {}, 'My tickets'));
  if (!session.get()) {
    main.append(el('p', {}, 'Sign in to see your tickets.'));
    return;
  }
  const list = el('ul', { class: 'cards' });
  const more = el('button', { class: 'quiet', hidden: true }, 'Older ones');
  const titles = new Map();
  let cursor;
  const load = async () => {
    const page = await api('GET', `/v1/bookings?limit=20${cursor ? `&cursor=${cursor}` : ''}`);
    await learnTitles(titles, page.items);
    list.append(...page.items.map((booking) => bookingCard(booking, titles)));
    cursor = page.nextCursor;
    more.hidden = !cursor;
  };
  more.addEventListener('click', () => load().catch(sayProblem));
  await load();
  main.append(list.children.length > 0 ? list : el('p', {}, 'Nothing yet.'), more);
}

async function learnTitles(titles, bookings) {
  const unknown = new Set(bookings.map(({ eventId }) => eventId).filter((id) => !titles.has(id)));
  const ask = async (id) => {
    const event = await api('GET', `/v1/events/${id}`).catch(() => undefined);
    titles.set(id, event ? `${event.title}, ${shortWhen(event.startsAt, event.zone)}` : 'Event');
  };
  await Promise.all([...unknown].map(ask));
}

const bookingCard = ({ bookingId, eventId, seats, tickets, status, reason, total }, titles) =>
  el(
    'li',
    { class: 'card' },
    el('h2', {}, el('a', { href: `#/bookings/${bookingId}` }, titles.get(eventId))),
    el('p', {}, seats.map(seatName).join(', ')),
    el('p', {}, `${stateText({ status, reason })} · ${price(total)}`),
    tickets.some((ticket) => ticket.status === 'frozen')
      ? el('p', { class: 'error' }, 'Frozen by a dispute')
      : '',
  );
