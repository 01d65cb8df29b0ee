import type { AnyBulkWriteOperation, Collection, Db, Filter } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type {
  NewIntent,
  ProviderEvent,
  ProviderIntent,
  ProviderRefund,
} from '#adapters/payments/port.ts';
import { insertNew, isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { GroupRead, inOneAnswer } from '#adapters/store/group-read.ts';
import { calledAfter } from '#adapters/store/id-ranges.ts';
import { dropUnused } from '#adapters/store/mongo.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { Lru } from '#domain/lru.ts';
import type { IntentStatus } from '#domain/payment.ts';

/** Our record of one intent: `<bookingId>:<attempt>`. The provider's word stands above it. */
export type PaymentDoc = {
  readonly _id: string;
  readonly intentId: string;
  readonly bookingId: string;
  readonly eventId: string;
  readonly attempt: number;
  readonly buyerId: string;
  /** Its news come without a request of ours: the buyer's browser confirms it. */
  readonly byBrowser?: boolean;
  readonly amount: number;
  readonly currency: string;
  readonly status: IntentStatus;
  readonly captured: number;
  readonly refunded: number;
  readonly refunds: {
    readonly refundId: string;
    readonly refundKey: string;
    readonly amount: number;
    readonly status: string;
    readonly at: number;
  }[];
  /** Epoch ms by our clock. */
  readonly createdAt: number;
  readonly updatedAt: number;
};

/**
 * A webhook that was taken. The document is the provider's event and our outbox message about it
 * in one: stored in a single write, so there is never the one without the other.
 */
export type InboxDoc = {
  /** The provider's event id: the second delivery of an event finds it taken. */
  readonly _id: string;
  readonly type: string;
  readonly intentId?: string;
  readonly bookingId?: string;
  readonly disputeId?: string;
  readonly status?: IntentStatus;
  /** Asked for again by a person: somebody is told, whatever we know already. */
  readonly replay?: boolean;
  readonly receivedAt: number;
  readonly state: 'pending' | 'done';
  /** Why nobody needed to be told, or that they were. */
  readonly outcome?: string;
  /** While pending: when a sweep may take it. */
  readonly dueAt?: number;
  readonly tries: number;
};

type Noted = {
  readonly write: AnyBulkWriteOperation<PaymentDoc>;
  /** A booking has taken its money: where there is no record, it is made. */
  readonly captured?: ProviderIntent;
};
type Opening = { readonly doc: PaymentDoc; isNew: boolean };

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;
const together = { ...options, ...inOneAnswer } as const;
/** Of so many intents it is known here which record is theirs. */
const recordsMax = 10_000;
const final: IntentStatus[] = ['canceled', 'succeeded'];
const full = () => new UsherError('overloaded', 'Too many payments wait for the database');
const bounds = { groupMax: 500, waitingMax: 10_000, whenFull: full } as const;
const doneKeptMs = 35 * 24 * 3_600_000;

const doneUntil = (now: number): Date => new Date(now + doneKeptMs);

const arrivalOf = (event: ProviderEvent, now: number) => {
  const { id, type, intentId, bookingId, disputeId, status } = event;
  return {
    _id: id,
    type,
    ...(intentId !== undefined && { intentId }),
    ...(bookingId !== undefined && { bookingId }),
    ...(disputeId !== undefined && { disputeId }),
    ...(status !== undefined && { status }),
    receivedAt: now,
    tries: 0,
  };
};

/** Sum of the noted refunds that are under way or done. */
const returnedBy = (refunds: string) => ({
  $sum: {
    $map: {
      input: refunds,
      in: { $cond: [{ $in: ['$$this.status', ['failed', 'canceled']] }, 0, '$$this.amount'] },
    },
  },
});

/** Payments and the webhook inbox in MongoDB; majority writes, those of one moment together. */
export class PaymentStore {
  readonly payments: Collection<PaymentDoc>;
  readonly inbox: Collection<InboxDoc & { readonly expiresAt?: Date }>;
  readonly #clock: Clock;
  readonly #byAttempt: GroupRead<PaymentDoc>;
  readonly #changes: GroupCommit<Noted>;
  readonly #openings: GroupCommit<Opening>;
  /** Intents that are being noted: what is seen of one comes behind that. */
  readonly #opening = new Map<string, Promise<void>>();
  /** Intent → `_id` of its record, of the last that were opened here: the cheapest to find by. */
  readonly #records = new Lru<string>(recordsMax);

  constructor(db: Db, clock: Clock) {
    this.payments = db.collection('payments');
    this.inbox = db.collection('webhook_inbox');
    this.#clock = clock;
    this.#byAttempt = new GroupRead(
      clock,
      (ids) => stored(() => this.payments.find({ _id: { $in: [...ids] } }, together).toArray()),
      ({ _id }) => _id,
    );
    this.#changes = new GroupCommit({
      clock,
      ...bounds,
      write: (changes) => stored(() => this.#note(changes)),
    });
    this.#openings = new GroupCommit({
      clock,
      ...bounds,
      write: (openings) => stored(() => this.#insert(openings)),
    });
  }

  async prepare(): Promise<void> {
    await this.payments.createIndexes([
      { key: { intentId: 1 }, unique: true },
      { key: { createdAt: 1 } },
    ]);
    await dropUnused(this.payments, ['bookingId_1']);
    await this.inbox.createIndexes([
      { key: { receivedAt: 1 } },
      { key: { dueAt: 1 }, partialFilterExpression: { state: 'pending' } },
      {
        key: { expiresAt: 1 },
        expireAfterSeconds: 0,
        partialFilterExpression: { expiresAt: { $exists: true } },
      },
    ]);
  }

  ofAttempt(bookingId: string, attempt: number): Promise<PaymentDoc | undefined> {
    return this.#byAttempt.one(`${bookingId}:${attempt}`);
  }

  ofBooking(bookingId: string): Promise<PaymentDoc[]> {
    return stored(() =>
      this.payments
        .find({ _id: calledAfter([bookingId]) }, options)
        .limit(100)
        .toArray(),
    );
  }

  ofIntents(intentIds: readonly string[]): Promise<PaymentDoc[]> {
    return stored(() =>
      this.payments.find({ intentId: { $in: [...intentIds] } }, together).toArray(),
    );
  }

  /** Notes a new intent. An attempt that has one keeps the first: false. */
  async opened(order: NewIntent, intent: ProviderIntent): Promise<boolean> {
    const now = this.#clock.now();
    const { eventId, bookingId, attempt, buyerId, amount, byBrowser } = order;
    const doc: PaymentDoc = {
      _id: `${bookingId}:${attempt}`,
      intentId: intent.intentId,
      bookingId,
      eventId,
      attempt,
      buyerId,
      ...(byBrowser && { byBrowser }),
      amount: amount.amount,
      currency: amount.currency,
      status: intent.status,
      captured: intent.amountCaptured,
      refunded: intent.amountRefunded,
      refunds: [],
      createdAt: now,
      updatedAt: now,
    };
    const opening = { doc, isNew: true };
    const { intentId } = doc;
    const written = this.#openings.add(opening);
    this.#opening.set(intentId, written);
    try {
      await written;
    } finally {
      this.#opening.delete(intentId);
    }
    if (opening.isNew) this.#records.set(intentId, doc._id);
    return opening.isNew;
  }

  async #insert(openings: readonly Opening[]): Promise<void> {
    const there = await insertNew(
      this.payments,
      openings.map(({ doc }) => doc),
    );
    for (const index of there) {
      const opening = openings[index];
      if (opening !== undefined) opening.isNew = false;
    }
  }

  /** Notes an intent that the provider has and we do not; one that is known stays as it is. */
  async adopted(intent: ProviderIntent): Promise<void> {
    const { intentId, bookingId, eventId, attempt = 0, amount, status } = intent;
    if (bookingId === undefined || eventId === undefined) return;
    const now = this.#clock.now();
    const doc: PaymentDoc = {
      _id: `${bookingId}:${intentId}`,
      intentId,
      bookingId,
      eventId,
      attempt,
      buyerId: 'unknown',
      ...amount,
      status,
      captured: intent.amountCaptured,
      refunded: intent.amountRefunded,
      refunds: [],
      createdAt: now,
      updatedAt: now,
    };
    await stored(() => this.payments.insertOne(doc)).catch((error: unknown) => {
      if (!isDuplicateKey(error)) throw error;
    });
  }

  /** Payments noted in (`from`, `to`], the oldest first, behind `after`. */
  async notedIn(from: number, to: number, after: string, limit: number): Promise<PaymentDoc[]> {
    const within = { createdAt: { $gt: from, $lte: to }, intentId: { $gt: after } };
    const query = this.payments.find(within, options).sort({ intentId: 1 }).limit(limit);
    return stored(() => query.toArray());
  }

  /** Notes what the provider says of an intent; a final status is not taken back. */
  seen(intent: ProviderIntent): Promise<void> {
    return this.#change(intent, {});
  }

  /**
   * Notes the money that a booking has taken. Its record may be missing: a node that died has not
   * written it.
   */
  captured(intent: ProviderIntent): Promise<void> {
    return this.#change(intent, { captured: intent });
  }

  async #change(intent: ProviderIntent, about: Pick<Noted, 'captured'>): Promise<void> {
    await this.#opening.get(intent.intentId)?.catch(() => undefined);
    await this.#changes.add({ write: this.#statusOf(intent, about), ...about });
  }

  #statusOf(
    intent: ProviderIntent,
    about: Pick<Noted, 'captured'>,
  ): AnyBulkWriteOperation<PaymentDoc> {
    const { intentId, status, amountCaptured, amountRefunded } = intent;
    const _id = this.#records.get(intentId);
    const own = _id === undefined ? { intentId } : { _id };
    // Later than `createdAt` even within the same millisecond: the inbox tells by it.
    const set = { status, captured: amountCaptured, updatedAt: this.#clock.now() + 1 };
    const filter: Filter<PaymentDoc> = final.includes(status)
      ? own
      : { ...own, status: { $nin: final } };
    // Of what was never captured nothing can have been returned, and of what its booking has just
    // taken nothing has: a refund that was noted meanwhile has noted its sum.
    const unreturned = about.captured !== undefined && amountRefunded === 0;
    if (amountCaptured === 0 || unreturned) return { updateOne: { filter, update: { $set: set } } };
    const refunded = { $max: [amountRefunded, returnedBy('$refunds')] };
    return { updateOne: { filter, update: [{ $set: { ...set, refunded } }] } };
  }

  async #note(changes: readonly Noted[]): Promise<void> {
    const writes = changes.map(({ write }) => write);
    const { matchedCount } = await this.payments.bulkWrite(writes, { ordered: false, ...options });
    if (matchedCount === changes.length) return;
    const intents = changes.flatMap(({ captured }) => captured ?? []);
    const there = await this.ofIntents(intents.map(({ intentId }) => intentId));
    const known = new Set(there.map(({ intentId }) => intentId));
    for (const intent of intents) if (!known.has(intent.intentId)) await this.adopted(intent);
  }

  /**
   * Notes a refund under its key, in place of what was noted under it before. A webhook may have
   * told of the same money already, so amounts are never added to what stands there.
   */
  async refunded(intentId: string, refundKey: string, refund: ProviderRefund): Promise<void> {
    const { refundId, status, amount } = refund;
    const at = this.#clock.now();
    const entry = { refundId, refundKey, amount: amount.amount, status, at };
    const others = {
      $filter: { input: '$refunds', cond: { $ne: ['$$this.refundKey', refundKey] } },
    };
    const update = [
      { $set: { refunds: { $concatArrays: [others, [entry]] }, updatedAt: at } },
      { $set: { refunded: { $max: ['$refunded', returnedBy('$refunds')] } } },
    ];
    await this.#changes.add({ write: { updateOne: { filter: { intentId }, update } } });
  }

  /**
   * Stores webhooks and answers those that were not there from an earlier delivery. Known ones need
   * nothing; nobody else takes the others for `leaseMs`.
   */
  async arrived(
    events: readonly ProviderEvent[],
    isKnown: (event: ProviderEvent) => boolean,
    leaseMs: number,
  ): Promise<InboxDoc[]> {
    const now = this.#clock.now();
    const kept = { state: 'done', outcome: 'known', expiresAt: doneUntil(now) } as const;
    const open = { state: 'pending', dueAt: now + leaseMs } as const;
    const docs = events.map((event) => ({
      ...arrivalOf(event, now),
      ...(isKnown(event) ? kept : open),
    }));
    if (docs.length === 0) return [];
    const there = await stored(() => insertNew(this.inbox, docs));
    return docs.filter((_, index) => !there.has(index));
  }

  /** Takes webhooks that are due, at most `limit`, so that no other node does for `leaseMs`. */
  async takeDue(limit: number, leaseMs: number): Promise<InboxDoc[]> {
    const now = this.#clock.now();
    const taken: InboxDoc[] = [];
    while (taken.length < limit) {
      const doc = await stored(() =>
        this.inbox.findOneAndUpdate(
          { state: 'pending', dueAt: { $lte: now } },
          { $set: { dueAt: now + leaseMs }, $inc: { tries: 1 } },
          { sort: { dueAt: 1 }, returnDocument: 'after', ...options },
        ),
      );
      if (doc === null) break;
      taken.push(doc);
    }
    return taken;
  }

  /** These need nothing any more. */
  async handled(ids: readonly string[], outcome: string): Promise<void> {
    if (ids.length === 0) return;
    const expiresAt = doneUntil(this.#clock.now());
    await stored(() =>
      this.inbox.updateMany(
        { _id: { $in: [...ids] } },
        { $set: { state: 'done', outcome, expiresAt }, $unset: { dueAt: '' } },
        options,
      ),
    );
  }

  /** Not handled: again after `waitMs`. */
  async postponed(id: string, why: string, waitMs: number): Promise<void> {
    const dueAt = this.#clock.now() + waitMs;
    await stored(() =>
      this.inbox.updateOne(
        { _id: id, state: 'pending' },
        { $set: { dueAt, outcome: why } },
        options,
      ),
    );
  }
}
