import { api, price } from './api.js';
import { el, say } from './dom.js';

const everyMs = 15_000;

/**
 * The prices of an event as they are now: they may move while it is on sale. `onNews(event)` is
 * called at once, and when its date or what has become of it has changed.
 */
export function livePrices(event, listOf, onNews) {
  let known;
  const tell = (now) => {
    const { status, startsAt, postponed } = now;
    const facts = JSON.stringify({ status, startsAt, postponed });
    if (facts !== known) onNews(now);
    known = facts;
  };
  const at = el('span');
  const node = el('section', { 'aria-label': 'Prices now' });
  let shown = event;
  const show = (now) => {
    tell(now);
    at.textContent = ` at ${new Intl.DateTimeFormat(undefined, { timeStyle: 'short' }).format(Date.now())}`;
    node.replaceChildren(el('h2', { class: 'small-heading' }, 'Prices now', at), listOf(now));
  };
  const look = async () => {
    const now = await api('GET', `/v1/events/${event.eventId}`).catch(() => shown);
    const news = changes(shown.prices, now.prices);
    shown = now;
    show(now);
    if (news.length > 0) say(`New prices: ${news.join(', ')}.`);
  };
  const timer = setInterval(look, everyMs);
  show(event);
  return { node, end: () => clearInterval(timer) };
}

const changes = (before, now) =>
  now
    .filter(({ category, price: { amount } }) => {
      const old = before.find((known) => known.category === category);
      return old && old.price.amount !== amount;
    })
    .map(({ category, price: money }) => `${category} ${price(money)}`);
