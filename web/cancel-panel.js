import { api, newKey, price } from './api.js';
import { el, problemText, say, seatName } from './dom.js';
import { percent, shortWhen } from './texts.js';

/** Tickets to choose from; what giving them back returns and why (dates in `zone`); doing it. */
export function cancelPanel(booking, zone, changed) {
  const valid = booking.tickets.filter(({ status }) => status === 'valid');
  const problem = el('p', { class: 'error', role: 'alert' });
  const outcome = el('div', { tabindex: '-1', class: 'outcome' });
  const boxes = valid.map(({ ticketId, seat }) =>
    el(
      'label',
      { class: 'check' },
      el('input', { type: 'checkbox', name: 'ticket', value: ticketId, checked: true }),
      seatName(seat),
    ),
  );
  const form = el(
    'form',
    {},
    el('fieldset', {}, el('legend', {}, 'Tickets to give back'), boxes),
    problem,
    el('button', { class: 'quiet' }, 'What would come back?'),
  );
  form.addEventListener('change', () => outcome.replaceChildren());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.textContent = '';
    const chosen = new FormData(form).getAll('ticket');
    if (chosen.length === 0) {
      problem.textContent = 'Choose at least one ticket.';
      return;
    }
    const all = chosen.length === valid.length;
    try {
      const query = all ? '' : `?tickets=${chosen.join(',')}`;
      const told = await api('GET', `/v1/bookings/${booking.bookingId}/cancellation${query}`);
      const seats = new Map(valid.map(({ ticketId, seat }) => [ticketId, seatName(seat)]));
      outcome.replaceChildren(...preview(told, seats, zone), decide(chosen, all));
      outcome.focus();
    } catch (failure) {
      problem.textContent = problemText(failure);
    }
  });
  const decide = (chosen, all) => {
    const cancel = async (event) => {
      event.target.disabled = true;
      try {
        const body = all ? {} : { tickets: chosen };
        const path = `/v1/bookings/${booking.bookingId}/cancel`;
        const { refund } = await api('POST', path, body, { key: newKey() });
        say(`Cancelled. ${price(refund.amount)} comes back.`);
        changed();
      } catch (failure) {
        problem.textContent = problemText(failure);
        event.target.disabled = false;
      }
    };
    const many = chosen.length === 1 ? 'this ticket' : `these ${chosen.length} tickets`;
    return el(
      'p',
      {},
      el('button', { class: 'danger', onclick: cancel }, `Cancel ${many} for good`),
      ' ',
      el('button', { class: 'quiet', onclick: () => outcome.replaceChildren() }, 'Keep them'),
    );
  };
  return el('section', { class: 'card' }, el('h2', {}, 'Give tickets back'), form, outcome);
}

function preview(told, seats, zone) {
  const { refund, kept, discountLost, tickets } = told;
  const row = ({ ticketId, paid, returned, kept: stays }) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, seats.get(ticketId) ?? ticketId),
      ...[paid, returned, stays].map((money) => el('td', {}, price(money))),
    );
  const head = ['Ticket', 'Price', 'Comes back', 'Kept'];
  // Of what would come back, what instalments that are still to come would have paid.
  const returned = tickets.reduce((sum, ticket) => sum + ticket.returned.amount, 0);
  const owed = returned - Math.max(0, discountLost.amount) - refund.amount;
  const lost = {
    ...discountLost,
    amount: Math.abs(discountLost.amount),
  };
  return [
    el('h3', {}, `${price(refund)} comes back, ${price(kept)} does not`),
    ...whyTexts(told, zone).map((text) => el('p', {}, text)),
    owed > 0
      ? el(
          'p',
          {},
          `${price({ ...refund, amount: owed })} of it was not paid yet and is not owed any more.`,
        )
      : '',
    discountLost.amount > 0
      ? el('p', {}, `${price(lost)} is taken off: too few tickets stay for your promo code.`)
      : '',
    discountLost.amount < 0 ? el('p', {}, `${price(lost)} of the discount comes back too.`) : '',
    el(
      'table',
      {},
      el('caption', {}, 'Ticket by ticket'),
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          head.map((text) => el('th', { scope: 'col' }, text)),
        ),
      ),
      el('tbody', {}, tickets.map(row)),
    ),
  ];
}

function whyTexts({ reason, basisPoints, feePerTicket, returnServiceFees, until }, zone) {
  const ends = until ? ` That holds until ${shortWhen(until, zone)}.` : '';
  if (reason === 'postponed') return [`The event was postponed: everything comes back.${ends}`];
  if (reason === 'waived') return ['Everything comes back.'];
  if (reason === 'too-late') return ['By the refund rules it is too late: nothing comes back.'];
  const texts = [`By the refund rules ${percent(basisPoints)} comes back now.${ends}`];
  if (feePerTicket.amount > 0) texts.push(`${price(feePerTicket)} is kept of each ticket.`);
  if (!returnServiceFees) texts.push('Service fees are not returned.');
  return texts;
}
