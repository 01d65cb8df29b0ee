import { expect, it } from '@jest/globals';
import type { ListedRefund, PaymentProvider, ProviderIntent } from '#adapters/payments/port.ts';
import type { ReconciliationStore, Watched } from '#adapters/payments/reconciliation.port.ts';
import type { StraySums } from '#adapters/store/stray-ledger.ts';
import type { LedgerEntry } from '#domain/ledger.ts';
import { balancesOf } from '#domain/ledger.ts';
import { differenceOf } from '#domain/reconciliation.ts';
import { recordOf, settlementOf } from '#domain/settlement.ts';
import { strayEntries, strayPrefix } from '#domain/stray-payment.ts';
import { reconcile } from '#flows/reconciliation.flow.ts';
import type { Books, PaymentRecords } from '#flows/reconciliation.ports.ts';
import { bookingIdOf, eventId, Mortal, World } from '#test/unit/flows/world.ts';

const strayId = 'pi_stray';
const openId = 'pi_open';

/** A world with leftovers of each kind, and what reconciliation sees of it. */
class Leftovers {
  readonly world = new World();
  readonly intents = new Map<string, ProviderIntent>();
  readonly refunds: ListedRefund[] = [];
  readonly strays = new Map<string, LedgerEntry>();
  readonly watched = new Map<string, Watched>();
  readonly adopted = new Set<string>();
  mark = 0;

  async begin(): Promise<this> {
    const { world } = this;
    world.event.soldTo.set(0, 'another');
    await world.checkout();
    world.payments.becomes('pi_1', 'succeeded');
    this.#put(strayId, 'succeeded', bookingIdOf(90));
    this.#put(openId, 'requires_capture', bookingIdOf(91));
    world.clock.advance(3_600_000);
    this.mark = world.clock.now() - 7_200_000;
    return this;
  }

  #put(intentId: string, status: 'succeeded' | 'requires_capture', bookingId: string): void {
    this.intents.set(intentId, {
      intentId,
      status,
      amount: { amount: 700, currency: 'EUR' },
      amountCaptured: status === 'succeeded' ? 700 : 0,
      amountRefunded: 0,
      createdAt: this.world.clock.now(),
      bookingId,
      eventId,
      attempt: 1,
    });
  }

  /** The booking's own intent as the provider shows it. */
  #own(): ProviderIntent {
    const { status, amount, refunded } = this.world.payments.of('pi_1');
    const captured = status === 'succeeded' ? amount : 0;
    return {
      intentId: 'pi_1',
      status,
      amount: { amount, currency: 'EUR' },
      amountCaptured: captured,
      amountRefunded: refunded,
      createdAt: this.world.clock.now() - 3_600_000,
      bookingId: bookingIdOf(10),
      eventId,
      attempt: 1,
    };
  }

  #find = (intentId: string): ProviderIntent => {
    const found = intentId === 'pi_1' ? this.#own() : this.intents.get(intentId);
    if (found === undefined) throw new Error('no such intent');
    return found;
  };

  provider(): PaymentProvider {
    const sum = (intentId: string): number =>
      this.refunds
        .filter((refund) => refund.intentId === intentId)
        .reduce((total, { amount }) => total + amount.amount, 0);
    return {
      retrieve: async (intentId: string) => this.#find(intentId),
      list: async () => ({ items: [this.#own(), ...this.intents.values()], nextCursor: null }),
      listRefunds: async () => ({ items: this.refunds, nextCursor: null }),
      refundsOf: async (intentId: string) =>
        this.refunds.filter((refund) => refund.intentId === intentId),
      cancel: async (intentId: string) => {
        const canceled = { ...this.#find(intentId), status: 'canceled' as const };
        this.intents.set(intentId, canceled);
        return canceled;
      },
      refund: async ({ intentId, amount, refundKey }) => {
        const made = this.refunds.find((refund) => refund.refundKey === refundKey);
        if (made !== undefined) return made;
        const refund = { refundId: `re_${refundKey}`, status: 'succeeded', amount } as const;
        this.refunds.push({ ...refund, intentId, refundKey });
        const intent = this.#find(intentId);
        this.intents.set(intentId, { ...intent, amountRefunded: sum(intentId) });
        return refund;
      },
    } as Partial<PaymentProvider> as PaymentProvider;
  }

  store(): ReconciliationStore {
    return {
      upTo: async () => this.mark,
      reached: async (upTo) => {
        this.mark = Math.max(this.mark, upTo - 7_200_000);
      },
      watch: async (watched) => {
        this.watched.set(watched.intentId, watched);
        return this.world.clock.now();
      },
      settled: async (ids) => {
        for (const id of ids) this.watched.delete(id);
      },
      watched: async () => [...this.watched.keys()].map((intentId) => ({ intentId, since: 0 })),
    };
  }

  records(): PaymentRecords {
    return {
      adopted: async ({ intentId }) => {
        this.adopted.add(intentId);
      },
      seen: async () => {},
      refunded: async () => {},
      notedIn: async () => [],
    };
  }

  #sums(prefix: string): StraySums {
    const sum = (kind: string): number =>
      [...this.strays.values()]
        .filter((entry) => entry.kind === kind && entry.id.startsWith(prefix))
        .flatMap(({ postings }) => postings)
        .reduce((total, { amount }) => total + amount, 0);
    return { captured: sum('stray-cash'), refunded: sum('refund') };
  }

  books(): Books {
    const { world } = this;
    return {
      of: async (intentId, named) => {
        const id = intentId === 'pi_1' ? bookingIdOf(10) : (named?.bookingId ?? '');
        const b = await world.store.find(id);
        if (b === undefined) return { stray: this.#sums(strayPrefix(id, intentId)) };
        const { bookingId, version } = b;
        const tickets = await world.store.tickets([bookingId]);
        return { bookingId, version, currency: 'EUR', ...recordOf(b, tickets, intentId) };
      },
      settle: async (bookingId, version, intent) => {
        const b = await world.store.find(bookingId);
        if (b?.version !== version) return false;
        const tickets = await world.store.tickets([bookingId]);
        const change = settlementOf(b, tickets, intent, world.clock.now());
        return change !== undefined && (await world.store.commit(change)) === 'done';
      },
      bookStray: async (named, currency, intent) => {
        for (const entry of strayEntries({ ...named, currency, intent }, world.clock.now())) {
          if (!this.strays.has(entry.id)) this.strays.set(entry.id, entry);
        }
      },
      wake: async () => {},
    };
  }

  run(mortal = new Mortal(), dryRun = false) {
    const ports = {
      clock: this.world.clock,
      provider: mortal.wrap(this.provider()),
      store: mortal.wrap(this.store()),
      books: mortal.wrap(this.books()),
      records: mortal.wrap(this.records()),
    };
    const ages = { olderThanMs: 60_000, safeAgeMs: 600_000, budgetMs: 60_000 };
    return reconcile(ports, { mode: 'window', dryRun, ...ages });
  }

  /** What is not as it should be when everything is settled. */
  async amiss(): Promise<string[]> {
    const { world } = this;
    const found: string[] = [];
    const b = await world.booking();
    const record = recordOf(b, [], 'pi_1');
    const own = this.#own();
    const facts = {
      status: own.status,
      captured: own.amountCaptured,
      refunded: own.amountRefunded,
    };
    if (differenceOf(facts, 5_000, record) !== undefined) found.push('the booking');
    if (own.amountRefunded !== 5_000) found.push(`${own.amountRefunded} returned of the booking`);
    if (this.refunds.length !== 1) found.push(`${this.refunds.length} refunds of the stray`);
    if (this.#find(openId).status !== 'canceled') found.push('an authorisation is open');
    const entries = [...world.store.contents.ledger, ...this.strays.values()];
    const { provider, owed } = balancesOf(entries);
    if (provider !== 0 || owed !== 0) found.push(`books: ${provider}, ${owed}`);
    if (!this.adopted.has(strayId)) found.push('the stray is not on record');
    return found;
  }
}

it('settles each leftover', async () => {
  const left = await new Leftovers().begin();
  const { findings } = await left.run();
  expect(findings.map(({ problem, outcome }) => `${problem}: ${outcome}`).sort()).toEqual([
    'authorised-without-booking: settled',
    'captured-without-booking: settled',
    'captured-without-tickets: begun',
  ]);
  await left.world.pass(60_000);
  expect(await left.amiss()).toEqual([]);
  expect((await left.run()).findings).toEqual([]);
});

it('says only what it would do in a dry run', async () => {
  const left = await new Leftovers().begin();
  const { findings } = await left.run(new Mortal(), true);
  expect(findings.map(({ outcome }) => outcome)).toEqual(['would', 'would', 'would']);
  expect(left.refunds).toEqual([]);
  expect(left.watched.size).toBe(0);
  expect(left.mark).toBe(left.world.clock.now() - 7_200_000);
  expect(await left.amiss()).not.toEqual([]);
});

it('killed at any of its calls, the next run makes it good', async () => {
  const calm = new Mortal();
  await (await new Leftovers().begin()).run(calm);
  expect(calm.calls).toBeGreaterThan(20);
  for (let at = 1; at <= calm.calls; at++) {
    for (const does of ['die-before', 'die-after'] as const) {
      const left = await new Leftovers().begin();
      await left.run(new Mortal({ at, does })).catch(() => undefined);
      await left.world.pass(60_000);
      await left.run();
      await left.world.pass(60_000);
      expect([at, does, await left.amiss()]).toEqual([at, does, []]);
      expect((await left.run()).findings).toEqual([]);
    }
  }
}, 60_000);
