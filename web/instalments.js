import { api, newKey, price } from './api.js';
import { cardChoice } from './card-choice.js';
import { el, problemText, say } from './dom.js';
import { shortWhen } from './texts.js';

const partStates = {
  paid: 'paid',
  due: 'to be paid',
  charging: 'being charged',
  failed: 'the charge failed',
  void: 'nothing is owed',
};

/** Parts with amount and date, as a table. */
function schedule(parts, caption) {
  const row = (part) => {
    const state = part.status ? partStates[part.status] : part.no === 1 ? 'now' : 'automatic';
    const again = part.nextTryAt ? `; tried again ${shortWhen(part.nextTryAt)}` : '';
    return el(
      'tr',
      {},
      el('th', { scope: 'row' }, String(part.no)),
      el('td', {}, price(part.amount)),
      el('td', {}, part.no === 1 && !part.status ? 'today' : shortWhen(part.dueAt)),
      el('td', {}, `${state}${again}`),
    );
  };
  const head = ['Part', 'Amount', 'Due', 'State'].map((text) => el('th', { scope: 'col' }, text));
  return el(
    'table',
    {},
    el('caption', {}, caption),
    el('thead', {}, el('tr', {}, head)),
    el('tbody', {}, parts.map(row)),
  );
}

/** Pay all now, or by one of the reservation's plans. `onChange(plan)`; undefined: all now. */
export function planChoice(reservationId, onChange) {
  const node = el('fieldset', { hidden: true }, el('legend', {}, 'All at once or in parts'));
  let plans = [];
  const chosen = () => plans.find(({ planId }) => planId === node.querySelector(':checked')?.value);
  const radio = (value, text, more = {}) =>
    el(
      'label',
      { class: 'check' },
      el('input', { type: 'radio', name: 'plan', value, ...more }),
      text,
    );
  const terms = el('div', { 'aria-live': 'polite' });
  const show = () => {
    const plan = chosen();
    terms.replaceChildren(...(plan ? planTerms(plan) : []));
    onChange(plan);
  };
  api('GET', `/v1/reservations/${reservationId}/instalment-plans`).then(
    (answer) => {
      plans = answer.plans;
      if (plans.length === 0) return;
      node.append(
        radio('', 'All now', { checked: true }),
        ...plans.map((plan) => radio(plan.planId, planName(plan), { disabled: !plan.available })),
        terms,
      );
      node.hidden = false;
      node.addEventListener('change', show);
    },
    () => {},
  );
  return { node, chosen };
}

const planName = ({ instalments, available, reason, fee, planId }) =>
  available
    ? `${instalments.length} parts${fee.amount > 0 ? `, ${price(fee)} more` : ''}`
    : `${planId}: not for these seats (${reason})`;

const planTerms = (plan) => [
  schedule(plan.instalments, `In all ${price(plan.total)}`),
  el(
    'p',
    { class: 'muted' },
    'The later parts are charged to the same card by themselves. ',
    plan.admitsBeforePaid ? '' : 'Your tickets open the door once all is paid. ',
    'A promo code or voucher makes the parts smaller.',
  ),
];

/** The schedule of a booking, and a form to pay parts before their time. */
export function bookingInstalments(booking, changed) {
  const { parts, outstanding, admitsBeforePaid } = booking.payment.instalments;
  const open = parts.filter(({ status }) => status === 'due' || status === 'failed');
  const heading = el('h2', {}, 'Payment in parts');
  const left =
    outstanding.amount > 0
      ? `${price(outstanding)} still to be paid.${admitsBeforePaid ? '' : ' Tickets open the door once all is paid.'}`
      : parts.some(({ status }) => status === 'void')
        ? 'Nothing more is owed.'
        : 'All paid.';
  const body = [heading, schedule(parts, 'Your payments'), el('p', {}, left)];
  if (open.length > 0 && parts[0].status === 'paid') body.push(payForm(booking, open, changed));
  return el('section', { class: 'card' }, body);
}

function payForm({ bookingId }, open, changed) {
  const card = cardChoice({ typed: false, savable: false });
  const problem = el('p', { class: 'error', role: 'alert' });
  const last = open.at(-1).no;
  const options = open.map(({ no, amount }) =>
    el(
      'option',
      { value: no },
      no === last ? 'All that is left' : `Up to part ${no} (${price(amount)})`,
    ),
  );
  const upTo = el('select', { name: 'no' }, options);
  const form = el(
    'form',
    {},
    el('h3', {}, 'Pay before it is due'),
    el('label', {}, 'Pay', upTo),
    card.node,
    problem,
    el('button', {}, 'Pay now'),
  );
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    problem.textContent = '';
    try {
      const path = `/v1/bookings/${bookingId}/instalments/${upTo.value}/pay`;
      await api('POST', path, { payment: card.payment() }, { key: newKey() });
      say('Your payment is being made.');
      changed();
    } catch (failure) {
      problem.textContent = problemText(failure);
    }
  });
  return form;
}
