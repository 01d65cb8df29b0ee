import { createHash } from 'node:crypto';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { type Mailer, MailRefused } from '#adapters/mail/port.ts';
import type { MessageDoc, MessageStore } from '#adapters/mail/store.ts';
import type { MessageText } from '#domain/message-text.ts';

export type PostOfficePorts = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: MessageStore;
  readonly mailer: Mailer;
  /** Sender's address; its host also names the Message-IDs. */
  readonly from: string;
  /** Address and text of a message, looked up at the moment of sending. */
  readonly compose: (message: MessageDoc) => Promise<MessageText & { readonly to: string }>;
  /** A message was not sent; `final` when nobody tries again. Must not throw. */
  readonly trouble: (message: MessageDoc, error: unknown, final: boolean) => void;
};

const sweepEveryMs = 1_000;
/** Those of one moment share their writes. */
const atOnceMax = 64;
const queuedMax = 2_000;
/** The sweep leaves new messages to the node that took them for this long. */
export const firstSweepMs = 5_000;
/** Longer than the slowest sending: a mail is in one pair of hands. */
const leaseMs = 60_000;
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
  readonly #queue: string[] = [];
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
      this.#hire();
      if (!this.#draining) this.start();
    });
  }

  /** A message was stored here: sends it now if there is room, else the sweep does. */
  send(key: string): void {
    if (this.#queue.length >= queuedMax) return;
    this.#queue.push(key);
    this.#hire();
  }

  /** Begins nothing more and waits for what is being sent. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#timer();
    await Promise.all(this.#workers);
  }

  #hire(): void {
    if (this.#draining || this.#workers.size >= atOnceMax) return;
    const worker: Promise<void> = this.#work()
      // The database did not answer: the next look finds the same.
      .catch(() => undefined)
      .finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(): Promise<void> {
    const { store } = this.#ports;
    while (!this.#draining) {
      const key = this.#queue.shift();
      const message = await (key === undefined
        ? store.takeDue(leaseMs)
        : store.takeNew(key, leaseMs));
      if (message !== null) await this.#send(message);
      else if (key === undefined) return;
    }
  }

  async #send(message: MessageDoc): Promise<void> {
    const { store, mailer, from, compose } = this.#ports;
    try {
      const mail = await compose(message);
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
