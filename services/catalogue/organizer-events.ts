import type { z } from 'zod';
import type { EventRow } from '#adapters/store/event-rows.ts';
import { call, type UsherContext } from '#broker/call.ts';
import { reply } from '#broker/reply.ts';
import type { catalogueContract } from '#contracts/catalogue.contract.ts';
import type { EventView } from '#contracts/event-schemas.ts';
import { changedFields } from '#domain/audit-acts.ts';
import type { PriceMove } from '#domain/dynamic-pricing.ts';
import { type FieldError, UsherError } from '#domain/errors.ts';
import { type EventMove, type EventRules, eventMistakes, statusAfter } from '#domain/event.ts';
import { makeId } from '#domain/ids.ts';
import { callerOf, deadlineOf } from '#mixins/caller.ts';
import { owned, ownedFilter } from '#mixins/organizer.ts';
import { actRow, type Edit, termsChange } from '#services/catalogue/event-editor.ts';
import {
  draftRules,
  type EventInput,
  organizerView,
  rowFields,
} from '#services/catalogue/event-views.ts';
import { type CatalogueParts, ceilingsOf } from '#services/catalogue/parts.ts';

type Actions = (typeof catalogueContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Changed = EventView & { pending: boolean };

/** Left for writing the answer after a wait for the seats. */
const answerMs = 300;

export function refuse(mistakes: readonly FieldError[]): void {
  const [first] = mistakes;
  if (first === undefined) return;
  throw new UsherError('invalid-request', `${first.path}: ${first.message}`, { errors: mistakes });
}

/** The chart an event takes, as columns of its row. Rejects when it is not one of the venue's. */
async function chartColumns(
  ctx: UsherContext,
  venueId: string,
  chartId: string,
  version: number | undefined,
) {
  const newest = await call(ctx, 'charts.read', { chartId });
  if (newest.venueId !== venueId) {
    refuse([{ path: 'chartId', message: 'is a chart of another venue' }]);
  }
  const chartVersion = version ?? newest.version;
  const { places, categories } = await call(ctx, 'charts.layout', {
    chartId,
    version: chartVersion,
  });
  return { columns: { chartId, chartVersion, places }, categories };
}

type Categories = Awaited<ReturnType<typeof chartColumns>>['categories'];

const colorsOf = (prices: EventRules['prices'], categories: Categories): (string | null)[] =>
  prices.map(({ category }) => categories.find(({ name }) => name === category)?.color ?? null);

/** `catalogue.createEvent` */
export function createEvent(parts: CatalogueParts, ctx: Ctx<'createEvent'>): Promise<EventView> {
  return parts.once(ctx, 'catalogue.createEvent', ctx.params, async ({ ulid }) => {
    const { venueId, chartId, chartVersion, ...input } = ctx.params;
    const { organizerId } = await call(ctx, 'venues.read', { venueId });
    const { columns, categories } = await chartColumns(ctx, venueId, chartId, chartVersion);
    const rules = draftRules(input as EventInput);
    refuse(
      eventMistakes(
        rules,
        categories.map(({ name }) => name),
      ),
    );
    const now = parts.runtime.clock.now();
    const row = {
      ...rowFields(input as EventInput),
      ...columns,
      _id: makeId('event', ulid),
      organizerId,
      venueId,
      status: 'draft',
      colors: colorsOf(rules.prices, categories),
      doorsAt: input.doorsAt === undefined ? null : Date.parse(input.doorsAt),
      version: 1,
      changesMade: 0,
      changesApplied: 0,
      changes: [],
      changeResults: [],
      actsMade: 1,
      acts: [
        actRow(callerOf(ctx).userId, 1, now, {
          act: 'event.created',
          data: { title: input.title, venueId },
        }),
      ],
      actsWaiting: true,
      createdAt: now,
      updatedAt: now,
    } as unknown as EventRow;
    return organizerView(await parts.events.insertOnce(row));
  });
}

/** What only a draft may change: the seats, and the money that was already promised. */
const draftOnly = ['chartId', 'chartVersion', 'currency'] as const;

function assertPatchable(row: EventRow, changes: object): void {
  if (row.status === 'cancelled') {
    throw new UsherError('state-forbids', 'A cancelled event cannot be changed');
  }
  if (row.status === 'draft') return;
  if ('startsAt' in changes && Date.parse(String(changes.startsAt)) !== row.startsAt) {
    const message = 'of a published event is changed by …/postpone, which tells its buyers';
    throw new UsherError('state-forbids', `startsAt ${message}`, {
      errors: [{ path: 'startsAt', message }],
    });
  }
  const fixed = draftOnly.find((field) => field in changes);
  if (fixed === undefined) return;
  throw new UsherError('state-forbids', `${fixed} cannot be changed once published`, {
    errors: [{ path: fixed, message: 'cannot be changed once published' }],
  });
}

/** `catalogue.patchEvent` */
export async function patchEvent(parts: CatalogueParts, ctx: Ctx<'patchEvent'>): Promise<Changed> {
  const { eventId, version, chartId, chartVersion, ...changes } = ctx.params;
  const row = owned(ctx, await parts.events.findById(eventId));
  if (row.version !== version) {
    throw new UsherError('stale-version', undefined, { version: row.version });
  }
  assertPatchable(row, ctx.params);
  const set = rowFields(changes as Partial<EventInput>);
  let names = row.prices.map(({ category }) => category);
  if (chartId !== undefined || chartVersion !== undefined) {
    const id = chartId ?? row.chartId;
    const { columns, categories } = await chartColumns(ctx, row.venueId, id, chartVersion);
    names = categories.map(({ name }) => name);
    const prices = set.prices ?? row.prices;
    Object.assign(set, columns, { colors: colorsOf(prices, categories) });
  } else if (set.prices !== undefined) {
    const colorAt = new Map(row.prices.map(({ category }, i) => [category, row.colors[i] ?? null]));
    Object.assign(set, { colors: set.prices.map((p) => colorAt.get(p.category) ?? null) });
  }
  const next: EventRow = { ...row, ...set };
  refuse(eventMistakes(next, names));
  return settled(
    parts,
    ctx,
    await parts.editor.write(ctx, row, {
      set,
      act: { act: 'event.changed', data: changedFields(row, set) },
      moves: movesBetween(row, next),
      ...termsEdit(parts, row, next),
    }),
  );
}

/** Prices that the organizer changes, for their history. */
const movesBetween = (row: EventRow, next: EventRow): readonly PriceMove[] =>
  next.prices.flatMap(({ category, amount: to }) => {
    const from = row.prices.find((price) => price.category === category)?.amount;
    if (from === undefined || from === to) return [];
    const because = [{ by: 'organizer', amount: to, says: 'Set by the organizer' } as const];
    return [{ category, from, to, because }];
  });

/** The change of terms between two states of an event, if its seats must hear of one. */
export function termsEdit(
  parts: CatalogueParts,
  row: EventRow,
  next: EventRow,
): Pick<Edit, 'change'> {
  if (next.status === 'draft') return {};
  const ceilings = ceilingsOf(parts.runtime.config.limits);
  const change = termsChange('change-terms', next, ceilings);
  if (row.status !== 'draft') {
    const before = termsChange('change-terms', row, ceilings);
    return JSON.stringify(before) === JSON.stringify(change) ? {} : { change };
  }
  return { change: termsChange('open', next, ceilings) };
}

const actNames: Readonly<Record<EventMove, string>> = {
  publish: 'event.published',
  pause: 'event.paused',
  resume: 'event.resumed',
  cancel: 'event.cancelled',
};

/** `catalogue.publish`, `pause`, `resume`, `cancel`; repeating one that was made answers the same. */
export async function moveEvent(
  parts: CatalogueParts,
  ctx: UsherContext<{ readonly eventId: string }>,
  move: EventMove,
): Promise<Changed> {
  const { clock } = parts.runtime;
  const row = await parts.editor.edit(ctx, ctx.params.eventId, (present) => {
    const status = statusAfter(present.status, move);
    if (status === present.status) return undefined;
    if (move === 'publish' && present.endsAt <= clock.now()) {
      throw new UsherError('state-forbids', 'An event that is over cannot be published');
    }
    const edit = { set: { status }, act: { act: actNames[move] } };
    if (present.status === 'draft' && status === 'cancelled') return edit;
    const notice = move === 'cancel' ? ({ notice: { kind: 'cancelled' } } as const) : {};
    return { ...edit, ...notice, ...termsEdit(parts, present, { ...present, status }) };
  });
  return settled(parts, ctx, row);
}

/** Waits for the seats to have all changes of the row; 202 when that takes too long. */
export async function settled(
  parts: CatalogueParts,
  ctx: UsherContext,
  row: EventRow,
): Promise<Changed> {
  if (row.changesApplied >= row.changesMade) return { ...organizerView(row), pending: false };
  const { applied } = await waitForSeats(parts, ctx, row);
  if (!applied) reply(ctx, { status: 202 });
  const now = { ...row, changesApplied: applied ? row.changesMade : row.changesApplied };
  return { ...organizerView(now), pending: !applied };
}

async function waitForSeats(parts: CatalogueParts, ctx: UsherContext, row: EventRow) {
  const { clock, config } = parts.runtime;
  const deadline = deadlineOf(ctx, clock.now(), config.limits.callTimeoutMs) - answerMs;
  const outcome = await parts.changes.settle(row._id, row.changesMade, deadline);
  parts.counts.forget(row._id);
  return outcome;
}

/** `catalogue.block`, `unblock` */
export function blockSeats(
  parts: CatalogueParts,
  ctx: Ctx<'block'>,
  kind: 'block' | 'unblock',
): Promise<{ eventId: string; pending: boolean; skipped: string[] }> {
  const { eventId, seats } = ctx.params;
  return parts.once(ctx, `catalogue.${kind}`, ctx.params, async () => {
    const row = await parts.editor.edit(ctx, eventId, ({ status }) => {
      if (status === 'published' || status === 'paused')
        return {
          set: {},
          act: { act: `seats.${kind}ed`, data: { seats } },
          change: { kind, seats },
        };
      throw new UsherError('state-forbids', `Seats of a ${status} event cannot be changed`);
    });
    const outcome = await waitForSeats(parts, ctx, row);
    if (!outcome.applied) reply(ctx, { status: 202 });
    return {
      eventId,
      pending: !outcome.applied,
      skipped: outcome.applied ? [...outcome.skipped] : [],
    };
  });
}

/** `catalogue.organizerEvent` */
export const organizerEvent = async ({ events }: CatalogueParts, ctx: Ctx<'organizerEvent'>) =>
  organizerView(owned(ctx, await events.findById(ctx.params.eventId)));

/** `catalogue.organizerEvents` */
export async function organizerEvents(parts: CatalogueParts, ctx: Ctx<'organizerEvents'>) {
  const { status, limit, cursor } = ctx.params;
  const filter = { ...ownedFilter(ctx), ...(status === undefined ? {} : { status }) };
  const order = { by: '_id', descending: true } as const;
  const page = await parts.events.page({ filter, ...order, limit, cursor });
  return { items: page.items.map(organizerView), nextCursor: page.nextCursor };
}
