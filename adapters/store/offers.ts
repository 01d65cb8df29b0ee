import type { Collection, Db } from 'mongodb';
import { stored } from '#adapters/store/failures.ts';
import {
  type PromoRow,
  type PromoUsesRow,
  promoOf,
  promotionCollections,
  usesId,
  voucherOf,
} from '#adapters/store/promotion-rows.ts';
import type { Vouchers } from '#adapters/store/vouchers.ts';
import type { Offers } from '#domain/checkout-price.ts';
import { limits } from '#domain/limits.ts';
import { promoKey } from '#domain/promo.ts';
import { voucherHash } from '#domain/voucher.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;

export type OffersWanted = {
  readonly eventId: string;
  readonly buyerId: string;
  readonly promoCode?: string | undefined;
  readonly voucher?: string | undefined;
};

/** What stands behind the codes that a buyer brings. Reads only. */
export class OfferReader {
  readonly #promos: Collection<PromoRow>;
  readonly #uses: Collection<PromoUsesRow>;
  readonly #events: Collection<{ readonly _id: string; readonly organizerId: string }>;
  readonly #vouchers: Vouchers;

  constructor(db: Db, vouchers: Vouchers) {
    this.#promos = db.collection(promotionCollections.promos);
    this.#uses = db.collection(promotionCollections.uses);
    this.#events = db.collection('events');
    this.#vouchers = vouchers;
  }

  /** Null for a code that the event's organizer does not have. */
  async of({ eventId, buyerId, promoCode, voucher }: OffersWanted): Promise<Offers> {
    const organizerId = await this.#organizerOf(eventId);
    return {
      ...(promoCode !== undefined && {
        promo: await this.#promo(organizerId, promoCode, buyerId),
      }),
      ...(voucher !== undefined && { voucher: await this.#voucher(organizerId, voucher) }),
    };
  }

  async #organizerOf(eventId: string): Promise<string | undefined> {
    const options = { projection: { organizerId: 1 }, ...bounded };
    const row = await stored(() => this.#events.findOne({ _id: eventId }, options));
    return row?.organizerId;
  }

  async #promo(
    organizerId: string | undefined,
    code: string,
    buyerId: string,
  ): Promise<Offers['promo']> {
    if (organizerId === undefined) return null;
    const key = promoKey(code);
    const row = await stored(() => this.#promos.findOne({ organizerId, key }, bounded));
    if (row === null) return null;
    const own = usesId(row._id, buyerId);
    const uses = await stored(() => this.#uses.findOne({ _id: own }, bounded));
    return { rule: promoOf(row), uses: { inAll: row.used, byBuyer: uses?.used ?? 0 } };
  }

  async #voucher(organizerId: string | undefined, code: string): Promise<Offers['voucher']> {
    const row = await this.#vouchers.byHash(voucherHash(code));
    return row === null || row.organizerId !== organizerId ? null : voucherOf(row);
  }
}
