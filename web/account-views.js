import { api, newKey, price, session } from './api.js';
import { el, say, sayProblem, seatName } from './dom.js';

const changed = () => dispatchEvent(new Event('usher:session'));

/** Sign up, sign in, sign out. */
export async function accountView(main) {
  const current = session.get();
  if (current) {
    main.append(el('h1', {}, current.user.name), el('p', {}, current.user.email));
    main.append(el('button', { onclick: signOut }, 'Sign out'));
    return;
  }
  main.append(
    el('h1', {}, 'Sign in or sign up'),
    credentials('login', 'Sign in', false),
    credentials('signup', 'Sign up', true),
  );
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
  const { items } = await api('GET', '/v1/bookings');
  const rows = items.map((booking) =>
    el(
      'li',
      { class: 'card' },
      el(
        'h2',
        {},
        el(
          'a',
          { href: `#/bookings/${booking.bookingId}` },
          booking.seats.map(seatName).join(', '),
        ),
      ),
      el('p', {}, `${booking.status} · ${price(booking.total)}`),
    ),
  );
  main.append(rows.length ? el('ul', { class: 'cards' }, rows) : el('p', {}, 'Nothing yet.'));
}

const running = new Set(['pending', 'requires_action', 'selling']);

/** One booking, followed until it is settled. */
export async function bookingView(main, bookingId) {
  let open = true;
  const body = el('div', { 'aria-live': 'polite' });
  main.append(el('h1', {}, 'Your booking'), body);
  const watch = async () => {
    let wait = '';
    while (open) {
      const booking = await api('GET', `/v1/bookings/${bookingId}${wait}`);
      body.replaceChildren(...details(booking));
      if (!running.has(booking.status)) return;
      wait = `?wait=10&from=${booking.status}`;
    }
  };
  watch().catch(sayProblem);
  return () => {
    open = false;
  };
}

function details(booking) {
  const cancel = async () => {
    try {
      await api('POST', `/v1/bookings/${booking.bookingId}/cancel`, {}, { key: newKey() });
      changed();
    } catch (problem) {
      sayProblem(problem);
    }
  };
  return [
    el('p', { class: 'timer' }, booking.status.replaceAll('_', ' ')),
    el('p', {}, `Total ${price(booking.total)}`),
    booking.payment.nextActionUrl
      ? el(
          'p',
          {},
          el(
            'a',
            { href: booking.payment.nextActionUrl, target: '_blank' },
            'Confirm with your bank',
          ),
        )
      : '',
    el(
      'ul',
      { class: 'cards' },
      booking.tickets.map((ticket) =>
        el(
          'li',
          { class: 'card' },
          el('h2', {}, seatName(ticket.seat)),
          el('p', { class: 'muted' }, `${ticket.status} · ${ticket.ticketId}`),
        ),
      ),
    ),
    booking.status === 'confirmed'
      ? el('button', { class: 'quiet', onclick: cancel }, 'Cancel the booking')
      : '',
  ];
}
