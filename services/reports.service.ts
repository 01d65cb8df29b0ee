import type { ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { decodeCursor, pageOf } from '#adapters/store/cursor.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { PayoutReader, type Period, type ReportedEvent } from '#adapters/store/payouts.ts';
import type { UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import { csvEventsMax, reportsContract } from '#contracts/reports.contract.ts';
import { type Movement, payoutCsv, payoutLines, payoutTotals } from '#domain/payout.ts';
import { visibleOrganizers } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof reportsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

const eventsAtOnce = 1_000;

/** Reports for organizers. Owns nothing: all of it is read from the ledger. */
export function createReportsService({ config, clock }: Runtime): ServiceSchema {
  let reader: PayoutReader;

  return {
    name: reportsContract.name,
    actions: {
      payouts: async (ctx: Ctx<'payouts'>) => {
        const { organizerId, limit, cursor } = ctx.params;
        const whose = visibleOrganizers(ctx, organizerId);
        const period = periodOf(ctx.params, clock.now());
        const found = await reader.events(whose, afterOf(cursor), limit + 1);
        const { items: events, nextCursor } = pageOf(found, limit, ({ eventId }) => [eventId]);
        const movements = await reader.movements(idsOf(events), period);
        return {
          items: titled(events, movements),
          nextCursor,
          totals: [...payoutTotals(await allMovements(reader, whose, period))],
        };
      },

      payoutsCsv: async (ctx: Ctx<'payoutsCsv'>) => {
        const whose = visibleOrganizers(ctx, ctx.params.organizerId);
        const events = await reader.events(whose, undefined, csvEventsMax);
        const movements = await reader.movements(idsOf(events), periodOf(ctx.params, clock.now()));
        const disposition = 'attachment; filename="payouts.csv"';
        reply(ctx, { headers: { 'Content-Disposition': disposition } });
        return payoutCsv(titled(events, movements));
      },
    },

    async started() {
      reader = new PayoutReader(await acquireMongo(config.mongodbUri));
    },

    async stopped() {
      await releaseMongo(config.mongodbUri);
    },
  };
}

const idsOf = (events: readonly ReportedEvent[]): readonly string[] =>
  events.map(({ eventId }) => eventId);

const afterOf = (cursor: string | undefined): string | undefined =>
  cursor === undefined ? undefined : String(decodeCursor(cursor, 1)[0]);

type Asked = {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly currency?: string | undefined;
};

const periodOf = ({ from, to, currency }: Asked, now: number): Period => ({
  from: from === undefined ? 0 : Date.parse(from),
  to: to === undefined ? now : Date.parse(to),
  currency,
});

function titled(events: readonly ReportedEvent[], movements: readonly Movement[]) {
  const titles = new Map(events.map(({ eventId, title }) => [eventId, title]));
  return payoutLines(movements).map((line) => ({
    ...line,
    title: titles.get(line.eventId) ?? '',
  }));
}

/** Of every event of these organizers. */
async function allMovements(
  reader: PayoutReader,
  whose: readonly string[] | undefined,
  period: Period,
): Promise<readonly Movement[]> {
  const all: Movement[] = [];
  let after: string | undefined;
  do {
    const events = await reader.events(whose, after, eventsAtOnce);
    all.push(...(await reader.movements(idsOf(events), period)));
    after = events.length < eventsAtOnce ? undefined : events.at(-1)?.eventId;
  } while (after !== undefined);
  return all;
}
