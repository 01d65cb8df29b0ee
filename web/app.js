import { accountView, bookingsView } from './account-views.js';
import { session } from './api.js';
import { bookingView } from './booking-view.js';
import { eventView } from './event-view.js';
import { listView } from './list-view.js';
import { orderView } from './order-view.js';
import { packagesView, packageView } from './package-views.js';

const main = document.getElementById('main');
let leave;

const routes = [
  [/^#?\/?$/, listView],
  [/^#\/events\/(evt_\w+)$/, eventView],
  [/^#\/bookings$/, bookingsView],
  [/^#\/bookings\/(bkg_\w+)$/, bookingView],
  [/^#\/packages$/, packagesView],
  [/^#\/packages\/(pkg_\w+)$/, packageView],
  [/^#\/orders\/(bdl_\w+)$/, orderView],
  [/^#\/account$/, accountView],
];

/** Shows what the address names. A view answers a function that ends what it started. */
async function show() {
  leave?.();
  leave = undefined;
  document.getElementById('account-link').textContent = session.get()?.user.name ?? 'Sign in';
  const address = location.hash;
  const [pattern, view] = routes.find(([p]) => p.test(address)) ?? routes[0];
  // A view that is slow writes into its own page, which may have been left.
  const page = document.createElement('div');
  main.replaceChildren(page);
  try {
    const end = await view(page, ...(pattern.exec(address)?.slice(1) ?? []));
    if (page.isConnected) leave = end;
    else end?.();
  } catch (problem) {
    page.replaceChildren(problemNote(problem));
  }
  if (page.isConnected) main.focus({ preventScroll: true });
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
