import type { z } from 'zod';
import { call, type UsherContext } from '#broker/call.ts';
import type { bookingsContract } from '#contracts/bookings.contract.ts';
import { UsherError } from '#domain/errors.ts';
import { openSweep } from '#domain/event-sweep.ts';
import { money } from '#domain/money.ts';
import type { Sweeps } from '#mixins/event-sweeps.ts';
import { owned } from '#mixins/organizer.ts';

type Actions = (typeof bookingsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Result<K extends keyof Actions> = z.output<Actions[K]['result']>;

/** `bookings.eventChanged` */
export async function takeNews(
  { store }: Sweeps,
  { params: { eventId, no, news } }: Ctx<'eventChanged'>,
  now: number,
): Promise<Result<'eventChanged'>> {
  await store.begin(openSweep(eventId, no, news, now));
  return { taken: true };
}

/** `bookings.eventCancellation`; only for those who act for the event's organizer. */
export async function cancellationProgress(
  { store, reader }: Sweeps,
  ctx: Ctx<'eventCancellation'>,
): Promise<Result<'eventCancellation'>> {
  const { eventId } = ctx.params;
  const event = owned(ctx, await call(ctx, 'catalogue.brief', { eventId }));
  if (event.status !== 'cancelled') {
    throw new UsherError('not-found', 'The event is not cancelled');
  }
  const sweep = await store.cancellation(eventId);
  const { refunded, pending, currency = event.currency, ...counts } = await reader.figures(eventId);
  const iso = (at: number): string => new Date(at).toISOString();
  return {
    eventId,
    state: sweep?.state ?? 'waiting',
    ...counts,
    refunded: money(refunded, currency),
    pending: money(pending, currency),
    ...(sweep === undefined ? {} : { startedAt: iso(sweep.startedAt) }),
    ...(sweep?.finishedAt === undefined ? {} : { finishedAt: iso(sweep.finishedAt) }),
  };
}
