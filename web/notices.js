import { el } from './dom.js';
import { ruleTexts, shortWhen } from './texts.js';

/** What has become of an event: cancelled, or put off to another date. */
export function eventNotice({ status, postponed, startsAt, zone }) {
  if (status === 'cancelled') {
    return notice(
      'This event is cancelled.',
      'All that was paid goes back to where it came from, by itself. You need not do anything.',
    );
  }
  if (!postponed) return '';
  const { from, refundUntil } = postponed;
  const moved = `It was to start ${shortWhen(from, zone)}; it now starts ${shortWhen(startsAt, zone)}. Tickets stay valid.`;
  const open = refundUntil && Date.parse(refundUntil) > Date.now();
  const back = open
    ? el(
        'p',
        {},
        `If you cannot come: return your tickets for a full refund until ${shortWhen(refundUntil, zone)}, under `,
        el('a', { href: '#/bookings' }, 'My tickets'),
        '.',
      )
    : undefined;
  return notice('This event is postponed.', moved, back);
}

export const notice = (title, text, more) =>
  el(
    'section',
    { class: 'notice', 'aria-label': title },
    el('strong', {}, title),
    el('p', {}, text),
    more,
  );

/** The refund rules, folded away. */
export const refundRules = (rules, event) =>
  el(
    'details',
    {},
    el('summary', {}, 'If you cannot come: refunds'),
    el(
      'ul',
      {},
      ruleTexts(rules, event).map((text) => el('li', {}, text)),
    ),
  );
