import { type FieldError, UsherError } from '#domain/errors.ts';
import type { EventStatus } from '#domain/event.ts';

/** The dates of an event; epoch ms. */
export type EventDates = {
  readonly startsAt: number;
  readonly endsAt: number;
  readonly doorsAt: number | null;
  readonly closesAt: number | null;
};

export type NewDate = {
  readonly startsAt: number;
  readonly endsAt: number;
  readonly refundUntil: number | null;
};

/**
 * The dates of an event that is put off: doors and the end of the sale, where they are set, move as
 * far as the start. Throws `state-forbids` for an event that is not published, or is over.
 */
export function postponedDates(
  event: EventDates & { readonly status: EventStatus },
  date: NewDate,
  now: number,
): EventDates {
  const { status } = event;
  if (status !== 'published' && status !== 'paused') {
    throw new UsherError('state-forbids', `A ${status} event cannot be put off`, {
      eventStatus: status,
    });
  }
  if (event.endsAt <= now) throw new UsherError('state-forbids', 'The event is over');
  const by = date.startsAt - event.startsAt;
  const later = (at: number | null): number | null => (at === null ? null : at + by);
  return {
    startsAt: date.startsAt,
    endsAt: date.endsAt,
    doorsAt: later(event.doorsAt),
    closesAt: later(event.closesAt),
  };
}

/** What is wrong with a new date; empty when nothing is. */
export function newDateMistakes({ startsAt, endsAt, refundUntil }: NewDate, now: number) {
  const mistakes: FieldError[] = [];
  const check = (holds: boolean, path: string, message: string): void => {
    if (!holds) mistakes.push({ path, message });
  };
  check(startsAt > now, 'startsAt', 'must be in the future');
  check(endsAt > startsAt, 'endsAt', 'must be after startsAt');
  if (refundUntil === null) return mistakes;
  check(refundUntil > now, 'refundUntil', 'must be in the future');
  check(refundUntil <= startsAt, 'refundUntil', 'must not be after startsAt');
  return mistakes;
}
