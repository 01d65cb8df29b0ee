import { api, newKey, price, session, when } from './api.js';
import { el, say, sayProblem } from './dom.js';
import { holdPanel } from './hold-panel.js';
import { follow } from './live.js';
import { eventNotice, refundRules } from './notices.js';
import { livePrices } from './prices.js';
import { colourOf, SeatMap } from './seat-map.js';
import { percent } from './texts.js';

/** One event: its seats live on a map, and a panel to take some. */
export async function eventView(main, eventId) {
  const event = await api('GET', `/v1/events/${eventId}`);
  const chart = await api('GET', `/v1/events/${eventId}/charts/${event.chartVersion}`);
  const categories = event.prices.map((p) => p.category);
  const canvas = el('canvas', {
    role: 'img',
    'aria-label': 'Seat map. Use the form beside it to choose by section or best available.',
  });
  const counts = el('p', { class: 'muted' });
  const panel = el('section', { class: 'card', 'aria-label': 'Your tickets' });
  const chosen = new Set();
  const seated = chart.seats.length > 0;
  const map = seated
    ? new SeatMap(canvas, chart, categories, (seat) => choice.toggle(seat))
    : undefined;
  let live = { bits: new Uint8Array() };
  const redraw = () => map?.show(live.bits, chosen);
  const choice = choosing({ event, chart, panel, chosen, redraw });
  const stop = follow(eventId, (now) => {
    live = now;
    if (now.counts) counts.textContent = countsText(now);
    redraw();
  });
  const place = `${event.venue.name}, ${event.venue.city}`;
  const date = el('p', { class: 'muted' });
  const news = el('div', { 'aria-live': 'polite' });
  const prices = livePrices(
    event,
    (shown) => legend(shown, categories),
    (now) => {
      date.textContent = `${place} · ${when(now.startsAt, now.zone)}`;
      news.replaceChildren(eventNotice(now));
    },
  );
  main.append(
    el('h1', {}, event.title),
    date,
    news,
    counts,
    el(
      'div',
      { class: 'event' },
      el(
        'div',
        {},
        seated ? canvas : '',
        prices.node,
        partsLine(event),
        refundRules(event.refundRules, event),
      ),
      panel,
    ),
  );
  return () => {
    stop();
    prices.end();
    choice.end();
  };
}

/** The panel's life: forms to choose with, then what is held, then the forms again. */
function choosing({ event, chart, panel, chosen, redraw }) {
  let endHold;
  const end = () => {
    endHold?.();
    endHold = undefined;
  };
  const show = () => {
    end();
    if (event.status === 'cancelled') {
      panel.replaceChildren(el('p', {}, 'No tickets are sold any more.'));
      return;
    }
    panel.replaceChildren(...choices(event, chart, [...chosen], reserve));
  };
  const released = () => {
    chosen.clear();
    redraw();
    show();
  };
  const reserve = async (want) => {
    if (!session.get()) {
      sessionStorage.setItem('usher:back', location.hash);
      location.hash = '#/account';
      say('Sign in or sign up first: one short step.');
      return;
    }
    try {
      const body = { eventId: event.eventId, ...want };
      const hold = await api('POST', '/v1/reserve', body, { key: newKey() });
      chosen.clear();
      for (const seat of hold.seats) chosen.add(seat.id);
      redraw();
      endHold = holdPanel(panel, hold, released);
    } catch (problem) {
      sayProblem(problem);
    }
  };
  const toggle = (seat) => {
    if (endHold) {
      say('Pay for the seats you hold, or give them back first.');
      return;
    }
    if (chosen.has(seat.id)) chosen.delete(seat.id);
    else if (chosen.size < event.limits.ticketsPerBuyer) chosen.add(seat.id);
    else say(`At most ${event.limits.ticketsPerBuyer} tickets a person.`);
    redraw();
    show();
  };
  show();
  return { toggle, end };
}

const countsText = ({ counts, sale }) =>
  `${counts.available.toLocaleString()} available, ${counts.reserved.toLocaleString()} reserved, ` +
  `${counts.sold.toLocaleString()} sold${sale === 'open' ? '' : ` · ${sale}`}`;

const legend = (event, categories) =>
  el(
    'ul',
    { class: 'legend' },
    event.prices.map((p) =>
      el(
        'li',
        {},
        el('span', { class: 'swatch', style: `background:${colourOf(categories, p.category)}` }),
        `${p.category} ${price(p.price)}`,
      ),
    ),
  );

const partsLine = ({ instalmentPlans: plans, currency }) =>
  plans.length === 0
    ? ''
    : el(
        'p',
        {},
        `Can be paid in parts: ${plans.map((plan) => planText(plan, currency)).join('; ')}.`,
      );

const planText = ({ parts, firstBasisPoints, fee, minTotal }, currency) =>
  [
    `${parts} parts, ${percent(firstBasisPoints)} of it at once`,
    minTotal > 0 && `from ${price({ amount: minTotal, currency })} on`,
    fee > 0 && `for ${price({ amount: fee, currency })} more`,
  ]
    .filter(Boolean)
    .join(', ');

const quantities = (most) =>
  el(
    'select',
    { name: 'quantity' },
    Array.from({ length: most }, (_, i) => el('option', {}, String(i + 1))),
  );

/** The forms of the panel before anything is held. */
function choices(event, chart, chosen, reserve) {
  const most = event.limits.ticketsPerBuyer;
  const best = el(
    'form',
    {},
    el('h2', {}, 'Best available'),
    el('label', {}, 'Tickets', quantities(most)),
    el(
      'label',
      {},
      'Category',
      el(
        'select',
        { name: 'category' },
        el('option', { value: '' }, 'Any'),
        event.prices.map((p) => el('option', {}, p.category)),
      ),
    ),
    el('button', {}, 'Hold the best seats'),
  );
  best.addEventListener('submit', (submit) => {
    submit.preventDefault();
    const data = new FormData(best);
    const category = data.get('category');
    reserve({
      best: { quantity: Number(data.get('quantity')), ...(category ? { category } : {}) },
    });
  });
  const areas = chart.areas.map((area) => {
    const form = el(
      'form',
      {},
      el('h2', {}, area.name),
      el('label', {}, 'Tickets', quantities(most)),
      el('button', {}, `Hold ${area.name}`),
    );
    form.addEventListener('submit', (submit) => {
      submit.preventDefault();
      reserve({ area: area.id, quantity: Number(new FormData(form).get('quantity')) });
    });
    return form;
  });
  const own = el(
    'div',
    {},
    el('h2', {}, 'Chosen on the map'),
    chosen.length === 0
      ? el('p', { class: 'muted' }, 'Click free seats on the map.')
      : el('button', { onclick: () => reserve({ seats: chosen }) }, `Hold ${chosen.length} chosen`),
  );
  return [...(chart.seats.length > 0 ? [own, best] : []), ...areas];
}
