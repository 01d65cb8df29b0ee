import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { insertNew, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { messageBounds } from '#adapters/store/group-take.ts';
import { dropUnused } from '#adapters/store/mongo.ts';
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

export type NewMessage = Pick<MessageDoc, '_id' | 'kind' | 'to' | 'data'>;

const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Messages in MongoDB, majority writes; those of one moment are noted as sent together. */
export class MessageStore {
  readonly messages: Collection<MessageDoc>;
  readonly #clock: Clock;
  readonly #sendings: GroupCommit<string>;

  constructor(db: Db, clock: Clock) {
    this.messages = db.collection('messages');
    this.#clock = clock;
    this.#sendings = new GroupCommit({
      clock,
      ...messageBounds,
      write: (keys) => stored(() => this.#noteSent(keys)),
    });
  }

  async prepare(): Promise<void> {
    await this.messages.createIndex({ dueAt: 1 }, { partialFilterExpression: { state: 'due' } });
    await dropUnused(this.messages, ['to.userId_1_storedAt_-1']);
  }

  /** Answers those that are new, once all are stored; for `leaseMs` the caller sends them. */
  async add(messages: readonly NewMessage[], leaseMs: number): Promise<readonly MessageDoc[]> {
    const storedAt = this.#clock.now();
    const lease = { state: 'due', dueAt: storedAt + leaseMs, tries: 1, storedAt } as const;
    const docs: MessageDoc[] = messages.map((message) => ({ ...message, ...lease }));
    const there = await stored(() => insertNew(this.messages, docs));
    return docs.filter((_, index) => !there.has(index));
  }

  /** Takes the one that has been due longest. */
  takeDue(leaseMs: number): Promise<MessageDoc | null> {
    const now = this.#clock.now();
    return stored(() =>
      this.messages.findOneAndUpdate(
        { state: 'due', dueAt: { $lte: now } },
        { $set: { dueAt: now + leaseMs }, $inc: { tries: 1 } },
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
}
