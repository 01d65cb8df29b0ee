import type { Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import type { Mail, Mailer } from '#adapters/mail/port.ts';
import { insertNew, stored } from '#adapters/store/failures.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { messageBounds } from '#adapters/store/group-take.ts';
import { dropUnused } from '#adapters/store/mongo.ts';
import { limits } from '#domain/limits.ts';

export type SentMail = Mail & {
  /** Epoch ms. */
  readonly sentAt: number;
};

type SentDoc = Omit<SentMail, 'messageId'> & { readonly _id: string; readonly expiresAt: Date };

const keptMs = 30 * 24 * 3_600_000;
const options = { maxTimeMS: limits.databaseTimeoutMs } as const;

/** Stands in for a mail server: mails are kept for 30 days and shown on the sent-mail page. */
export class LocalMailer implements Mailer {
  readonly name = 'the local sent-mail page';
  readonly atOnceMax = 1_000;
  readonly #clock: Clock;
  readonly #mails: Collection<SentDoc>;
  readonly #sendings: GroupCommit<SentDoc>;

  constructor(db: Db, clock: Clock) {
    this.#clock = clock;
    this.#mails = db.collection('sent_mails');
    this.#sendings = new GroupCommit({
      clock,
      ...messageBounds,
      write: (mails) => stored(() => this.#keep(mails)),
    });
  }

  async prepare(): Promise<void> {
    await this.#mails.createIndexes([
      { key: { to: 1 } },
      { key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    ]);
    await dropUnused(this.#mails, ['sentAt_-1', 'to_1_sentAt_-1']);
  }

  /** A mail that was sent before is kept as it was. */
  async send({ messageId, ...mail }: Mail): Promise<void> {
    const sentAt = this.#clock.now();
    const expiresAt = new Date(sentAt + keptMs);
    await this.#sendings.add({ _id: messageId, ...mail, sentAt, expiresAt });
  }

  async #keep(mails: readonly SentDoc[]): Promise<void> {
    await insertNew(this.#mails, mails);
  }

  /** The newest mails, all or those to one address. */
  list(filter: { readonly to?: string }, limit: number): Promise<SentMail[]> {
    // Kept equally long, they expire in the order in which they were sent.
    const found = this.#mails.find(filter, options).sort({ expiresAt: -1 }).limit(limit);
    return found.map(viewOf).toArray();
  }

  async find(messageId: string): Promise<SentMail | undefined> {
    const found = await this.#mails.findOne({ _id: messageId }, options);
    return found === null ? undefined : viewOf(found);
  }

  count(): Promise<number> {
    return this.#mails.estimatedDocumentCount(options);
  }

  close(): void {}
}

const viewOf = ({ _id, expiresAt: _, ...mail }: SentDoc): SentMail => ({ ...mail, messageId: _id });
