import type { z } from 'zod';
import type { Clock } from '#adapters/clock/port.ts';
import type { PayoutReader } from '#adapters/store/payouts.ts';
import type { TillReader, TillScope } from '#adapters/store/tills.ts';
import type { UsherContext } from '#broker/call.ts';
import type { boxOfficeContract } from '#contracts/box-office.contract.ts';
import { invalid } from '#domain/checkout.ts';
import { isZone } from '#domain/event.ts';
import type { Given, TillMove } from '#domain/till.ts';
import { tillDays } from '#domain/till.ts';
import { callerOf } from '#mixins/caller.ts';

type Action = (typeof boxOfficeContract)['actions']['till'];

type Readers = {
  readonly tills: TillReader;
  readonly payouts: PayoutReader;
  readonly clock: Clock;
};

const eventsAtOnce = 1_000;

/** `box-office.till`: the organizer's people see all lines, who only sells sees the own ones. */
export async function tillReport(
  { tills, payouts, clock }: Readers,
  ctx: UsherContext<z.output<Action['params']>>,
): Promise<z.output<Action['result']>> {
  const { organizerId, from, to, zone } = ctx.params;
  if (!isZone(zone)) throw invalid('zone', `${zone} is not an IANA time zone`);
  const period = {
    from: from === undefined ? 0 : Date.parse(from),
    to: to === undefined ? clock.now() : Date.parse(to),
    zone,
  };
  const moves: TillMove[] = [];
  const given: Given[] = [];
  for (const { whose, staffId } of viewsOf(ctx, organizerId)) {
    for await (const eventIds of eventsOf(payouts, whose)) {
      const scope: TillScope = { eventIds, staffId, ...period };
      const [more, free] = await Promise.all([tills.moves(scope), tills.given(scope)]);
      moves.push(...more);
      given.push(...free);
    }
  }
  return { items: tillDays(moves, given).map((line) => ({ ...line })) };
}

type View = {
  /** Undefined: all organizers. */
  readonly whose: readonly string[] | undefined;
  readonly staffId: string | undefined;
};

function viewsOf(
  ctx: UsherContext<z.output<Action['params']>>,
  named: string | undefined,
): readonly View[] {
  const { userId, roles, organizerIds, boxOfficeIds = [] } = callerOf(ctx);
  const { staffId } = ctx.params;
  const only = (ids: readonly string[]): readonly string[] =>
    named === undefined ? ids : ids.filter((id) => id === named);
  if (roles.includes('admin'))
    return [{ whose: named === undefined ? undefined : [named], staffId }];
  const own = staffId === undefined || staffId === userId;
  return [
    { whose: only(organizerIds), staffId },
    ...(own ? [{ whose: only(boxOfficeIds), staffId: userId }] : []),
  ].filter(({ whose }) => whose.length > 0);
}

async function* eventsOf(
  payouts: PayoutReader,
  whose: readonly string[] | undefined,
): AsyncGenerator<readonly string[]> {
  let after: string | undefined;
  do {
    const events = await payouts.events(whose, after, eventsAtOnce);
    if (events.length > 0) yield events.map(({ eventId }) => eventId);
    after = events.length < eventsAtOnce ? undefined : events.at(-1)?.eventId;
  } while (after !== undefined);
}
