import { z } from 'zod';
import { id, page, pageParams, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';

const minor = z.int();

const payout = {
  currency: z.string(),
  gross: minor.describe('Tickets sold, fees and taxes included; minor units, as all amounts here'),
  refunds: minor.describe('Tickets that were cancelled'),
  fees: minor,
  taxes: minor,
  net: minor.describe('gross − refunds − fees − taxes: what the organizer has earned'),
  captured: minor.describe('Money that has come in at the payment provider'),
  returned: minor.describe('Money that has gone back to buyers'),
  vouchers: minor.describe('Paid by gift vouchers, less what went back to them: not due again'),
  cashIn: minor.describe('Cash taken at the box office: with the organizer already'),
  cashOut: minor.describe('Cash paid out there'),
  payable: minor.describe('net − vouchers − (cashIn − cashOut): still to be paid out'),
};

const payoutLine = z.object({ eventId: id('event'), title: z.string(), ...payout });

const period = {
  organizerId: id('organizer').optional(),
  from: timestamp.optional().describe('Booked at or after this; default: the beginning'),
  to: timestamp.optional().describe('Booked before this; default: now'),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
};

const organizerHttp = {
  method: 'GET',
  success: 200,
  access: 'organizer',
  tag: 'Organizer books',
} as const;

/** The most events one CSV file has lines of. */
export const csvEventsMax = 5_000;

/** What was earned, from the ledger's postings. */
export const reportsContract = service({
  name: 'reports',
  actions: {
    payouts: action({
      summary: 'What each event earned in a period, one line an event and currency, and the sums',
      params: z.strictObject({ ...period, ...pageParams }),
      result: page(payoutLine).extend({
        /** Of the whole report, whatever the page. */
        totals: z.array(z.object(payout)),
      }),
      errors: ['unavailable'],
      http: {
        path: '/v1/organizer/reports/payouts',
        query: ['organizerId', 'from', 'to', 'currency', 'limit', 'cursor'],
        ...organizerHttp,
      },
    }),
    payoutsCsv: action({
      summary: `The same as one CSV file, of at most ${csvEventsMax} events, the oldest first`,
      params: z.strictObject(period),
      result: z.string(),
      errors: ['unavailable'],
      http: {
        path: '/v1/organizer/reports/payouts.csv',
        query: ['organizerId', 'from', 'to', 'currency'],
        mediaType: 'text/csv; charset=utf-8',
        ...organizerHttp,
      },
    }),
  },
});
