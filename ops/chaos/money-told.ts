import type { Db } from 'mongodb';
import {
  type BookingDocument,
  collections,
  type TicketDocument,
} from '#adapters/store/booking-documents.ts';
import { HttpClient } from '#bench/support/http.ts';
import type { MoneyCrowd, Told } from '#ops/chaos/money-crowd.ts';

type Progress = { readonly state: string; readonly failed: number };

const askMs = 10_000;

/** What the money crowd was told, compared with what is kept. */
export async function toldFindings(
  db: Db,
  { told, stage, cancelled }: Pick<MoneyCrowd, 'told' | 'stage' | 'cancelled'>,
  gatewayUrls: readonly string[],
): Promise<string[]> {
  const all = [...told.values()];
  const ids = all.map(({ bookingId }) => bookingId);
  const bookings = await db
    .collection<BookingDocument>(collections.bookings)
    .find({ _id: { $in: ids } })
    .toArray();
  const byId = new Map(bookings.map((booking) => [booking._id, booking]));
  const tickets = await db
    .collection<TicketDocument>(collections.tickets)
    .find({ bookingId: { $in: ids }, active: true })
    .toArray();
  const valid = Map.groupBy(tickets, ({ bookingId }) => bookingId);
  const findings = all.flatMap((one) => {
    const over = cancelled && one.eventId === stage.cancelledId;
    const wanted = over ? { ...one, tickets: 0 } : one;
    const found = valid.get(one.bookingId)?.length ?? 0;
    return ofBooking(wanted, byId.get(one.bookingId), found);
  });
  return cancelled ? [...findings, ...(await cancellation(stage, gatewayUrls))] : findings;
}

function ofBooking(told: Told, booking: BookingDocument | undefined, tickets: number): string[] {
  const { bookingId, tickets: wanted, goodwill, unsure } = told;
  if (booking === undefined) return [`${bookingId} was confirmed, there is no such booking`];
  const findings: string[] = [];
  if (wanted !== undefined && tickets !== wanted) {
    findings.push(`${bookingId} must have ${wanted} tickets, has ${tickets}`);
  }
  const given = booking.returns.filter(({ tickets: of, goodwill: by }) => {
    const amount = (by?.organizer ?? 0) + (by?.platform ?? 0);
    return of.length === 0 && amount > 0;
  }).length;
  if (given < goodwill || (given > goodwill && !unsure)) {
    findings.push(`${bookingId} was told of goodwill ${goodwill} times, has it ${given} times`);
  }
  return findings;
}

async function cancellation(
  { organizer, cancelledId }: MoneyCrowd['stage'],
  gatewayUrls: readonly string[],
): Promise<string[]> {
  const http = new HttpClient(gatewayUrls, 1, askMs);
  try {
    const path = `/v1/organizer/events/${cancelledId}/cancellation`;
    const token = await organizer.token();
    const { status, body } = await http.send<Progress>('GET', path, { token });
    const done = status === 200 && body.state === 'done' && body.failed === 0;
    return done ? [] : [`${cancelledId} was cancelled, and is: ${JSON.stringify(body)}`];
  } finally {
    await http.close();
  }
}
