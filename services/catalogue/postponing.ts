import type { z } from 'zod';
import type { UsherContext } from '#broker/call.ts';
import type { catalogueContract } from '#contracts/catalogue.contract.ts';
import { changedFields } from '#domain/audit-acts.ts';
import { newDateMistakes, postponedDates } from '#domain/postponing.ts';
import { refuse, settled, termsEdit } from '#services/catalogue/organizer-events.ts';
import type { CatalogueParts } from '#services/catalogue/parts.ts';

type Ctx = UsherContext<z.output<(typeof catalogueContract)['actions']['postpone']['params']>>;

/** `catalogue.postpone`; repeating one that was made answers the same. */
export async function postponeEvent(parts: CatalogueParts, ctx: Ctx) {
  const { eventId, startsAt, endsAt, refundUntil } = ctx.params;
  const now = parts.runtime.clock.now();
  const date = {
    startsAt: Date.parse(startsAt),
    endsAt: Date.parse(endsAt),
    refundUntil: refundUntil === undefined ? null : Date.parse(refundUntil),
  };
  const row = await parts.editor.edit(ctx, eventId, (present) => {
    const { postponed } = present;
    const same = present.startsAt === date.startsAt && present.endsAt === date.endsAt;
    if (same && postponed?.refundUntil === date.refundUntil) return undefined;
    const dates = postponedDates(present, date, now);
    refuse(newDateMistakes(date, now));
    const no = (postponed?.no ?? 0) + 1;
    const set = {
      ...dates,
      postponed: { no, from: present.startsAt, refundUntil: date.refundUntil },
    };
    return {
      set,
      act: { act: 'event.postponed', data: changedFields(present, set) },
      notice: { kind: 'postponed', no, startsAt: date.startsAt, refundUntil: date.refundUntil },
      ...termsEdit(parts, present, { ...present, ...set }),
    };
  });
  return settled(parts, ctx, row);
}
