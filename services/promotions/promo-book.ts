import type { z } from 'zod';
import type { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { type OfferAct, type OfferActs, offerActOf } from '#adapters/store/offer-acts.ts';
import { type PromoRow, promoOf } from '#adapters/store/promotion-rows.ts';
import type { UsherContext } from '#broker/call.ts';
import type { PromoView, promoFields } from '#contracts/promotion-schemas.ts';
import type { promotionsContract } from '#contracts/promotions.contract.ts';
import { changedFields } from '#domain/audit-acts.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import { makeId } from '#domain/ids.ts';
import { type PromoRule, promoKey, promoMistakes } from '#domain/promo.ts';
import { callerOf } from '#mixins/caller.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { organizerOf, owned, ownedFilter } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof promotionsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;
type Fields = { [K in keyof typeof promoFields]?: z.output<(typeof promoFields)[K]> | undefined };

export type PromoPorts = {
  readonly promos: MoleculerDbAdapter<PromoRow>;
  readonly acts: OfferActs;
  readonly once: WithOnce['once'];
  readonly clock: Runtime['clock'];
};

/** Somebody else's change in between is looked at again so often. */
const triesMax = 5;

/** The promo codes of organizers. */
export class PromoBook {
  readonly #ports: PromoPorts;

  constructor(ports: PromoPorts) {
    this.#ports = ports;
  }

  create(ctx: Ctx<'createPromo'>): Promise<PromoView> {
    const { once, clock } = this.#ports;
    return once(ctx, 'promotions.createPromo', ctx.params, async ({ ulid }) => {
      const { organizerId, code, ...fields } = ctx.params;
      const rule = ruleOf(fields, unbounded);
      refuse(rule);
      const now = clock.now();
      const row: PromoRow = {
        _id: makeId('promo', ulid),
        organizerId: organizerOf(ctx, organizerId),
        code,
        key: promoKey(code),
        ...rule,
        disabled: false,
        used: 0,
        version: 1,
        createdAt: now,
        updatedAt: now,
      };
      return viewOf(await this.#insert(ctx, row, { code, ...rule }));
    });
  }

  /** Repeated by the same request, the first one's. */
  async #insert(ctx: UsherContext, row: PromoRow, data: OfferAct['data']): Promise<PromoRow> {
    const { promos, acts } = this.#ports;
    const act = offerActOf(callerOf(ctx).userId, row, 'promo-code.created', data);
    const written = await acts.insertOnce(act, promos, row);
    if (written === null) throw new UsherError('promo-code-taken');
    return written;
  }

  #change(
    ctx: UsherContext,
    row: PromoRow,
    version: number,
    set: Partial<PromoRow>,
    act: string,
  ): Promise<PromoRow> {
    const { promos, acts, clock } = this.#ports;
    const fields = { ...set, updatedAt: clock.now() };
    const changed = { ...row, ...fields, version: version + 1 };
    const made = offerActOf(callerOf(ctx).userId, changed, act, changedFields(row, set));
    return acts.record(made, (session) =>
      promos.updateVersioned(row._id, version, { set: fields }, session),
    );
  }

  async list(ctx: Ctx<'promos'>) {
    const order = { by: 'createdAt', descending: true } as const;
    const { items, nextCursor } = await this.#ports.promos.page({
      filter: ownedFilter(ctx),
      ...order,
      ...ctx.params,
    });
    return { items: items.map(viewOf), nextCursor };
  }

  async read(ctx: Ctx<'promo'>): Promise<PromoView> {
    return viewOf(owned(ctx, await this.#ports.promos.findById(ctx.params.promoId)));
  }

  async patch(ctx: Ctx<'patchPromo'>): Promise<PromoView> {
    const { promos } = this.#ports;
    const { promoId, version, ...changes } = ctx.params;
    const row = owned(ctx, await promos.findById(promoId));
    const rule = ruleOf(changes, row);
    refuse(rule);
    return viewOf(await this.#change(ctx, row, version, rule, 'promo-code.changed'));
  }

  async disable(ctx: Ctx<'disablePromo'>): Promise<PromoView> {
    const { promos } = this.#ports;
    const { promoId } = ctx.params;
    for (let tries = 1; ; tries++) {
      const row = owned(ctx, await promos.findById(promoId));
      if (row.disabled) return viewOf(row);
      const set = { disabled: true };
      try {
        return viewOf(await this.#change(ctx, row, row.version, set, 'promo-code.disabled'));
      } catch (error) {
        if (tries >= triesMax || !hasCode(error, 'stale-version')) throw error;
      }
    }
  }
}

const unbounded: Omit<PromoRule, 'off'> = {
  currency: null,
  eventIds: null,
  categories: null,
  validFrom: null,
  validTo: null,
  redemptionsMax: null,
  perBuyerMax: null,
  ticketsMin: 1,
};

const timeOf = (text: string | null | undefined, before: number | null): number | null => {
  if (text === undefined) return before;
  return text === null ? null : Date.parse(text);
};

const given = <T>(value: T | undefined, before: T): T => (value === undefined ? before : value);

/** The rule that these fields make of the one before. */
function ruleOf(fields: Fields, before: Omit<PromoRule, 'off'> & Partial<PromoRule>): PromoRule {
  const off = fields.off ?? before.off;
  if (off === undefined) throw new UsherError('invalid-request', 'off: is needed');
  return {
    off,
    currency: given(fields.currency, before.currency),
    eventIds: given(fields.eventIds, before.eventIds),
    categories: given(fields.categories, before.categories),
    validFrom: timeOf(fields.validFrom, before.validFrom),
    validTo: timeOf(fields.validTo, before.validTo),
    redemptionsMax: given(fields.redemptionsMax, before.redemptionsMax),
    perBuyerMax: given(fields.perBuyerMax, before.perBuyerMax),
    ticketsMin: fields.ticketsMin ?? before.ticketsMin,
  };
}

function refuse(rule: PromoRule): void {
  const errors = promoMistakes(rule);
  const [first] = errors;
  if (first === undefined) return;
  throw new UsherError('invalid-request', `${first.path}: ${first.message}`, { errors });
}

const iso = (at: number): string => new Date(at).toISOString();

function viewOf(row: PromoRow): PromoView {
  const { eventIds, categories, validFrom, validTo, ...rest } = promoOf(row);
  return {
    ...rest,
    eventIds: eventIds === null ? null : [...eventIds],
    categories: categories === null ? null : [...categories],
    validFrom: validFrom === null ? null : iso(validFrom),
    validTo: validTo === null ? null : iso(validTo),
    used: row.used,
    version: row.version,
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
  };
}
