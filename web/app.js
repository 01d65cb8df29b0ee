import { accountView, bookingsView, bookingView } from './account-views.js';
import { session } from './api.js';
import { eventView } from './event-view.js';
import { listView } from './list-view.js';

const main = document.getElementById('main');
let leave;

const routes = [
  [/^#?\/?$/, listView],
  [/^#\/events\/(evt_\w+)$/, eventView],
  [/^#\/bookings$/, bookingsView],
  [/^#\/bookings\/(bkg_\w+)$/, bookingView],
  [/^#\/account$/, accountView],
];

/** Shows what the address names. A view answers a function that ends what it started. */
async function show() {
  leave?.();
  leave = undefined;
  document.getElementById('account-link').textContent = session.get()?.user.name ?? 'Sign in';
  const address = location.hash;
  const [pattern, view] = routes.find(([p]) => p.test(address)) ?? routes[0];
  main.replaceChildren();
  try {
    const end = await view(main, ...(pattern.exec(address)?.slice(1) ?? []));
    if (location.hash === address) leave = end;
    else end?.();
  } catch (problem) {
    main.replaceChildren(problemNote(problem));
  }
  main.focus({ preventScroll: true });
}

function problemNote(problem) {
  const note = document.createElement('p');
  note.className = 'error';
  note.textContent =
    problem?.detail ?? problem?.title ?? 'The server cannot be reached. Try again.';
  return note;
}

addEventListener('hashchange', show);
addEventListener('usher:session', show);
show();
