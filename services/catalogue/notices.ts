import type { ServiceBroker } from 'moleculer';
import type { Db } from 'mongodb';
import type { EventNotice } from '#adapters/store/event-notices.port.ts';
import { MongoEventNotices } from '#adapters/store/event-notices.ts';
import { call } from '#broker/call.ts';
import { codeOf } from '#domain/errors.ts';
import { EventNoticesFlow } from '#flows/event-notices.flow.ts';
import type { Runtime } from '#mixins/runtime.ts';
import type { NoticeBody } from '#services/catalogue/event-editor.ts';

/** Tells the bookings service what happened to events. */
export const noticesFlow = (broker: ServiceBroker, { clock }: Runtime, db: Db): EventNoticesFlow =>
  new EventNoticesFlow({
    notices: new MongoEventNotices(db),
    clock,
    tell: (notice) => tell(broker, notice),
    failed: ({ eventId, no }, error) => {
      const code = codeOf(error) ?? String(error);
      broker.logger.warn('news of an event have not reached its bookings', { eventId, no, code });
    },
  });

async function tell(broker: ServiceBroker, { eventId, no, body }: EventNotice): Promise<void> {
  const notice = JSON.parse(body) as NoticeBody;
  const news = notice.kind === 'cancelled' ? notice : await postponedNews(broker, eventId, notice);
  await call(broker, 'bookings.eventChanged', { eventId, no, news });
}

async function postponedNews(
  broker: ServiceBroker,
  eventId: string,
  { kind, no, startsAt, refundUntil }: NoticeBody & { kind: 'postponed' },
) {
  const brief = await call(broker, 'catalogue.brief', { eventId });
  const event = {
    name: brief.title,
    startsAt,
    timeZone: brief.zone,
    venue: brief.venueName,
  };
  return { kind, no, event, ...(refundUntil === null ? {} : { refundUntil }) };
}
