import type { Collection, Db, Filter } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { insertNew, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { messageBounds } from '#adapters/store/group-take.ts';
import type { MessageKind } from '#domain/booking-messages.ts';
import { limits } from '#domain/limits.ts';

/** A message to a person, from its arrival to the mail server's yes. */
export type MessageDoc = {
  /** The message's key: a second arrival finds the first. */
  readonly _id: string;
  readonly kind: MessageKind;
  readonly to: { readonly userId: string; readonly email?: string | undefined };
  readonly data: Readonly<Record<string, unknown>>;
  /** `failed`: kept, nobody tries again by themselves. `dropped`: it was not true any more. */
  readonly state: 'due' | 'sent' | 'failed' | 'dropped';
  /** When a sender may take it, while `due`. */
  readonly dueAt?: number;
  readonly tries: number;
  readonly storedAt: number;
  readonly sentAt?: number;
  readonly error?: string;
};

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Messages in MongoDB, majority writes; those of one moment are stored together. */
export class MessageStore {
  readonly messages: Collection<MessageDoc>;
  readonly #clock: Clock;
  readonly #arrivals: GroupCommit<MessageDoc>;
  /** Arrivals that were there already. */
  readonly #known = new WeakSet<MessageDoc>();
  readonly #sendings: GroupCommit<string>;

  constructor(db: Db, clock: Clock) {
    this.messages = db.collection('messages');
    this.#clock = clock;
    this.#arrivals = new GroupCommit({
      clock,
      ...messageBounds,
      write: (docs) => stored(() => this.#insert(docs)),
    });
    this.#sendings = new GroupCommit({
      clock,
      ...messageBounds,
      write: (keys) => stored(() => this.#noteSent(keys)),
    });
  }

  async prepare(): Promise<void> {
    await this.messages.createIndexes([
      { key: { dueAt: 1 }, partialFilterExpression: { state: 'due' } },
      { key: { 'to.userId': 1, storedAt: -1 } },
    ]);
  }

  /**
   * Resolves when the message is stored. One that is new is the caller's to send for `leaseMs`, and
   * answered; one that was there is undefined.
   */
  async add(
    message: Pick<MessageDoc, '_id' | 'kind' | 'to' | 'data'>,
    leaseMs: number,
  ): Promise<MessageDoc | undefined> {
    const storedAt = this.#clock.now();
    const dueAt = storedAt + leaseMs;
    const doc: MessageDoc = { ...message, state: 'due', dueAt, tries: 1, storedAt };
    await this.#arrivals.add(doc);
    return this.#known.has(doc) ? undefined : doc;
  }

  /** Takes the one that has been due longest. */
  takeDue(leaseMs: number): Promise<MessageDoc | null> {
    return this.#take({ state: 'due', dueAt: { $lte: this.#clock.now() } }, leaseMs);
  }

  #take(filter: Filter<MessageDoc>, leaseMs: number): Promise<MessageDoc | null> {
    return stored(() =>
      this.messages.findOneAndUpdate(
        filter,
        { $set: { dueAt: this.#clock.now() + leaseMs }, $inc: { tries: 1 } },
        { sort: { dueAt: 1 }, returnDocument: 'after', ...options },
      ),
    );
  }

  async sent(key: string): Promise<void> {
    await this.#sendings.add(key);
  }

  /** Never sent: what it says is not so any more. */
  async drop(key: string): Promise<void> {
    const update = { $set: { state: 'dropped' as const }, $unset: { dueAt: '' as const } };
    await stored(() => this.messages.updateOne({ _id: key, state: 'due' }, update, options));
  }

  /** Not sent: again after `waitMs`, or (undefined) kept as failed. */
  async notSent(key: string, error: string, waitMs: number | undefined): Promise<void> {
    const update =
      waitMs === undefined
        ? { $set: { state: 'failed' as const, error }, $unset: { dueAt: '' as const } }
        : { $set: { dueAt: this.#clock.now() + waitMs, error } };
    await stored(() => this.messages.updateOne({ _id: key, state: 'due' }, update, options));
  }

  async #noteSent(keys: readonly string[]): Promise<void> {
    await this.messages.updateMany(
      { _id: { $in: [...keys] } },
      { $set: { state: 'sent', sentAt: this.#clock.now() }, $unset: { dueAt: '', error: '' } },
      options,
    );
  }

  async #insert(docs: readonly MessageDoc[]): Promise<void> {
    const there = await insertNew(this.messages, docs);
    docs.forEach((doc, index) => {
      if (there.has(index)) this.#known.add(doc);
    });
  }
}
