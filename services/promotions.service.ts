import type { Service, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { prepareClaims } from '#adapters/store/claim-writes.ts';
import { MoleculerDbAdapter } from '#adapters/store/moleculer-db-adapter.ts';
import { OfferActs } from '#adapters/store/offer-acts.ts';
import { OfferReader } from '#adapters/store/offers.ts';
import { type PromoRow, promotionCollections } from '#adapters/store/promotion-rows.ts';
import { Vouchers } from '#adapters/store/vouchers.ts';
import type { UsherContext } from '#broker/call.ts';
import { promotionsContract } from '#contracts/promotions.contract.ts';
import { collectionMixin } from '#mixins/collection.mixin.ts';
import { idempotencyMixin, type WithOnce } from '#mixins/idempotency.mixin.ts';
import { inventoryClientMixin, type WithInventory } from '#mixins/inventory-client.mixin.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { PromoBook } from '#services/promotions/promo-book.ts';
import { previewQuote, type QuoteParts } from '#services/promotions/quote.ts';
import { VoucherBook } from '#services/promotions/voucher-book.ts';

type Actions = (typeof promotionsContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

/**
 * Promo codes and gift vouchers: what organizers say of them, and what a buyer's codes stand for.
 * Uses and balances are moved by the bookings, in the transactions of the bookings themselves.
 */
export function createPromotionsService(runtime: Runtime): ServiceSchema {
  const { clock, ids, config } = runtime;
  const adapter = new MoleculerDbAdapter<PromoRow>(config.mongodbUri, promotionCollections.promos);
  let promos = adapter;
  let promoBook: PromoBook;
  let voucherBook: VoucherBook;
  let quoting: QuoteParts;

  return {
    name: promotionsContract.name,
    mixins: [
      collectionMixin(adapter, (bound) => {
        promos = bound;
      }),
      idempotencyMixin(runtime),
      inventoryClientMixin(runtime),
    ],
    actions: {
      createPromo: (ctx: Ctx<'createPromo'>) => promoBook.create(ctx),
      promos: (ctx: Ctx<'promos'>) => promoBook.list(ctx),
      promo: (ctx: Ctx<'promo'>) => promoBook.read(ctx),
      patchPromo: (ctx: Ctx<'patchPromo'>) => promoBook.patch(ctx),
      disablePromo: (ctx: Ctx<'disablePromo'>) => promoBook.disable(ctx),
      issueVouchers: (ctx: Ctx<'issueVouchers'>) => voucherBook.issue(ctx),
      vouchers: (ctx: Ctx<'vouchers'>) => voucherBook.list(ctx),
      disableVoucher: (ctx: Ctx<'disableVoucher'>) => voucherBook.disable(ctx),
      balance: (ctx: Ctx<'balance'>) => voucherBook.balance(ctx),
      quote: (ctx: Ctx<'quote'>) => previewQuote(quoting, ctx),
      offers: ({ params }: Ctx<'offers'>) => quoting.offers.of(params),
    },

    async started(this: Service) {
      const { once, inventory } = this as Service & WithOnce & WithInventory;
      await prepareClaims(promos.db);
      const vouchers = new Vouchers(promos.db);
      const acts = new OfferActs(promos.db);
      await acts.prepare();
      promoBook = new PromoBook({ promos, acts, once, clock });
      voucherBook = new VoucherBook({ vouchers, acts, once, clock, ids });
      const offers = new OfferReader(promos.db, vouchers);
      quoting = { offers, inventory, clock, ids, waitMs: config.limits.callTimeoutMs };
    },
  };
}
