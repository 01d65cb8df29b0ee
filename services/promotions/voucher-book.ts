import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { isDuplicateKey } from '#adapters/store/failures.ts';
import { type OfferActs, offerActOf } from '#adapters/store/offer-acts.ts';
import { type VoucherRow, voucherOf } from '#adapters/store/promotion-rows.ts';
import type { Vouchers } from '#adapters/store/vouchers.ts';
import type { UsherContext } from '#broker/call.ts';
import type { VoucherView } from '#contracts/promotion-schemas.ts';
import type { promotionsContract } from '#contracts/promotions.contract.ts';
import { invalid } from '#domain/checkout.ts';
import { UsherError } from '#domain/errors.ts';
import { isCurrency } from '#domain/event.ts';
import { makeId, spellUlid } from '#domain/ids.ts';
import { money, stepOf } from '#domain/money.ts';
import { voucherCode, voucherCodeBytes, voucherHash } from '#domain/voucher.ts';
import { callerOf } from '#mixins/caller.ts';
import type { WithOnce } from '#mixins/idempotency.mixin.ts';
import { organizerOf, owned, ownedFilter } from '#mixins/organizer.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof promotionsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

export type VoucherPorts = Pick<Runtime, 'clock' | 'ids'> & {
  readonly vouchers: Vouchers;
  readonly acts: OfferActs;
  readonly once: WithOnce['once'];
};

/** Gift vouchers of organizers. A code is known to this class only until its answer is sent. */
export class VoucherBook {
  readonly #ports: VoucherPorts;

  constructor(ports: VoucherPorts) {
    this.#ports = ports;
  }

  /** The answer that is remembered for a repetition has no codes: they are nowhere at rest. */
  async issue(ctx: Ctx<'issueVouchers'>) {
    const { once, vouchers, ids } = this.#ports;
    const { currency, amount, count } = ctx.params;
    if (!isCurrency(currency)) throw invalid('currency', `${currency} is not a currency`);
    if (amount % stepOf(currency) !== 0) {
      throw invalid('amount', `must be a multiple of ${stepOf(currency)} in ${currency}`);
    }
    let codes: readonly string[] = [];
    const issued = await once(ctx, 'promotions.issueVouchers', ctx.params, async ({ ulid }) => {
      codes = Array.from({ length: count }, () => voucherCode(ids.bytes(voucherCodeBytes)));
      const rows = this.#rows(ctx, ulid, codes);
      await vouchers.issue(rows, callerOf(ctx).userId);
      return { vouchers: rows.map(viewOf) };
    });
    return {
      vouchers: issued.vouchers.map((view, i) => {
        const code = codes[i];
        return code === undefined ? view : { ...view, code };
      }),
    };
  }

  async list(ctx: Ctx<'vouchers'>) {
    const { limit, cursor } = ctx.params;
    const found = await this.#ports.vouchers.page(ownedFilter(ctx), limit, cursor);
    return { items: found.items.map(viewOf), nextCursor: found.nextCursor };
  }

  async disable(ctx: Ctx<'disableVoucher'>): Promise<VoucherView> {
    const { vouchers, acts, clock } = this.#ports;
    const { voucherId } = ctx.params;
    const row = owned(ctx, await vouchers.find(voucherId));
    if (row.disabled) return viewOf(row);
    const now = clock.now();
    const { currency, balance, version } = row;
    const disabled = { ...row, updatedAt: now, version: version + 1 };
    const data = { currency, balance };
    const act = offerActOf(callerOf(ctx).userId, disabled, 'voucher.disabled', data);
    try {
      await acts.record(act, (session) => vouchers.disable(voucherId, now, session));
    } catch (error) {
      // Somebody was faster, and the act is written.
      if (!isDuplicateKey(error)) throw error;
    }
    return viewOf(owned(ctx, await vouchers.find(voucherId)));
  }

  async balance({ params }: Ctx<'balance'>) {
    const row = await this.#ports.vouchers.byHash(voucherHash(params.code));
    if (row === null) throw new UsherError('voucher-unknown');
    const { balance, amount, currency, disabled } = row;
    return { balance: money(balance, currency), issued: money(amount, currency), disabled };
  }

  #rows(ctx: Ctx<'issueVouchers'>, ulid: string, codes: readonly string[]): VoucherRow[] {
    const { amount, currency } = ctx.params;
    const organizerId = organizerOf(ctx, ctx.params.organizerId);
    const now = this.#ports.clock.now();
    return codes.map((code, i) => ({
      _id: makeId('voucher', ulidOf(ulid, i)),
      organizerId,
      currency,
      amount,
      balance: amount,
      disabled: false,
      codeHash: voucherHash(code),
      version: 1,
      createdAt: now,
      updatedAt: now,
    }));
  }
}

/** The id of a request's `i`th voucher: the same whenever the request is run. */
const ulidOf = (ulid: string, i: number): string =>
  i === 0 ? ulid : spellUlid(createHash('sha256').update(`${ulid} ${i}`).digest());

const viewOf = (row: VoucherRow): VoucherView => ({
  ...voucherOf(row),
  createdAt: new Date(row.createdAt).toISOString(),
});
