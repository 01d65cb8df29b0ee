import { createHash } from 'node:crypto';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { type Mailer, MailRefused } from '#adapters/mail/port.ts';
import type { MessageDoc, MessageStore } from '#adapters/mail/store.ts';
import type { MessageText } from '#domain/message-text.ts';

type Mail = MessageText & { readonly to: string };

export type PostOfficePorts = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: Pick<MessageStore, 'add' | 'takeDue' | 'sent' | 'notSent' | 'drop'>;
  readonly mailer: Mailer;
  /** Sender's address; its host also names the Message-IDs. */
  readonly from: string;
  /**
   * Address and text of a message, looked up at the moment of sending; undefined: it is not true
   * any more and is not sent.
   */
  readonly compose: (message: MessageDoc) => Promise<Mail | undefined>;
  /** A message was not sent; `final` when nobody tries again. Must not throw. */
  readonly trouble: (message: MessageDoc, error: unknown, final: boolean) => void;
};

const sweepEveryMs = 1_000;
/** Those of one moment share their writes. */
const atOnceMax = 64;
const queuedMax = 2_000;
/** Longer than waiting here and the slowest sending: a mail is in one pair of hands. */
const leaseMs = 60_000;
const queuedMaxMs = 30_000;
const backoffMs = { first: 2_000, max: 30 * 60_000 };
/** Some twenty hours with that back-off. */
const triesMax = 48;
const refusalsMax = 3;

/**
 * Sends stored messages. Any number of nodes side by side: each message is leased to one of them.
 * A mail is sent once unless a process dies between the mail server's yes and our note of it; the
 * second has the same Message-ID.
 */
export class PostOffice {
  readonly #ports: PostOfficePorts;
  readonly #host: string;
  #timer: Cancel = () => {};
  readonly #queue: MessageDoc[] = [];
  readonly #workers = new Set<Promise<void>>();
  #draining = false;

  constructor(ports: PostOfficePorts) {
    this.#ports = ports;
    this.#host = ports.from.split('@').at(-1) ?? 'localhost';
  }

  /** Looks each second for what is due. */
  start(): void {
    const { clock, ids } = this.#ports;
    this.#timer = clock.after(sweepEveryMs * (0.75 + ids.chance() / 2), () => {
      this.#hire(true);
      if (!this.#draining) this.start();
    });
  }

  /**
   * Resolves when the message is stored, now or before. A new one is sent if there is room for it,
   * else the sweep sends it when its lease has ended.
   */
  async take(message: Pick<MessageDoc, '_id' | 'kind' | 'to' | 'data'>): Promise<void> {
    const stored = await this.#ports.store.add(message, leaseMs);
    if (stored === undefined || this.#queue.length >= queuedMax) return;
    this.#queue.push(stored);
    this.#hire(false);
  }

  /** Begins nothing more and waits for what is being sent. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#timer();
    await Promise.all(this.#workers);
  }

  /** One more pair of hands; it `looks` at the store when nothing is queued here. */
  #hire(looks: boolean): void {
    if (this.#draining || this.#workers.size >= atOnceMax) return;
    const worker: Promise<void> = this.#work(looks)
      // The database did not answer: the next look finds the same.
      .catch(() => undefined)
      .finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(looks: boolean): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#draining) {
      const queued = this.#queue.shift();
      // One that waited so long is left to the sweep.
      if (queued !== undefined && clock.now() - queued.storedAt > queuedMaxMs) continue;
      const message = queued ?? (looks ? await this.#due() : null);
      if (message === null) return;
      await this.#send(message);
    }
  }

  /** Where one is due, there may be more. */
  async #due(): Promise<MessageDoc | null> {
    const message = await this.#ports.store.takeDue(leaseMs);
    if (message !== null) this.#hire(true);
    return message;
  }

  async #send(message: MessageDoc): Promise<void> {
    const { store, mailer, from, compose } = this.#ports;
    try {
      const mail = await compose(message);
      if (mail === undefined) return await store.drop(message._id);
      const name = createHash('sha256').update(message._id).digest('hex').slice(0, 40);
      await mailer.send({ ...mail, from: `Usher <${from}>`, messageId: `${name}@${this.#host}` });
    } catch (error) {
      await this.#notSent(message, error);
      return;
    }
    await store.sent(message._id);
  }

  async #notSent(message: MessageDoc, error: unknown): Promise<void> {
    const { store, ids, trouble } = this.#ports;
    const refused = error instanceof MailRefused;
    const final = message.tries >= (refused ? refusalsMax : triesMax);
    const wait = Math.min(backoffMs.first * 2 ** (message.tries - 1), backoffMs.max);
    const jittered = wait * (0.75 + ids.chance() / 2);
    trouble(message, error, final);
    await store.notSent(message._id, String(error), final ? undefined : jittered);
  }
}
