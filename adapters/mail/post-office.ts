import { createHash } from 'node:crypto';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { type Mailer, MailRefused } from '#adapters/mail/port.ts';
import type { MessageDoc, MessageStore, NewMessage } from '#adapters/mail/store.ts';
import { limits } from '#domain/limits.ts';
import type { MessageText } from '#domain/message-text.ts';
import { UnderWay } from '#domain/under-way.ts';

/** Where a mail goes and what it says; `outdated`: that is not true any more; or why there is none. */
export type Letter = (MessageText & { readonly to: string }) | 'outdated' | Error;

export type PostOfficePorts = {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly store: Pick<MessageStore, 'add' | 'takeDue' | 'sent' | 'notSent' | 'drop'>;
  readonly mailer: Mailer;
  /** Sender's address; its host also names the Message-IDs. */
  readonly from: string;
  /** A letter for each of some (`messagesPerCallMax`), looked up at the moment of sending. */
  readonly compose: (messages: readonly MessageDoc[]) => Promise<readonly Letter[]>;
  /** A message was not sent; `final` when nobody tries again. Must not throw. */
  readonly trouble: (message: MessageDoc, error: unknown, final: boolean) => void;
};

const sweepEveryMs = 1_000;
const queuedMax = 2_000;
/** Longer than waiting here, the slowest sending and noting it: a mail is in one pair of hands. */
const leaseMs = 60_000;
const queuedMaxMs = 30_000;
const backoffMs = { first: 2_000, max: 30 * 60_000 };
/** Some twenty hours with that back-off. */
const triesMax = 48;
const refusalsMax = 3;
/** Of the note that a mail was sent. */
const notes = { triesMax: 3, waitMs: 1_000 } as const;

/**
 * Sends stored messages; those that come together are composed together. Any number of nodes side
 * by side: each message is leased to one of them. A mail is sent once unless a process dies, or has
 * lost its database, between the mail server's yes and our note of it; the second has the same
 * Message-ID.
 */
export class PostOffice {
  readonly #ports: PostOfficePorts;
  readonly #host: string;
  #timer: Cancel = () => {};
  readonly #queue: MessageDoc[] = [];
  readonly #workers = new UnderWay();
  /** Messages from their leaving the queue to the mailer's answer. */
  #underWay = 0;
  /** Somebody is about to look at the queue. */
  #beckoned = false;
  #draining = false;

  constructor(ports: PostOfficePorts) {
    this.#ports = ports;
    this.#host = ports.from.split('@').at(-1) ?? 'localhost';
  }

  /** Looks each second for what is due. */
  start(): void {
    const { clock, ids } = this.#ports;
    this.#timer = clock.after(sweepEveryMs * (0.75 + ids.chance() / 2), () => {
      this.#hire(() => this.#sendDue());
      if (!this.#draining) this.start();
    });
  }

  /**
   * Resolves when the messages are stored, now or before. Those that are new are sent if there is
   * room for them, else the sweep sends them when their lease has ended.
   */
  async take(messages: readonly NewMessage[]): Promise<void> {
    const stored = await this.#ports.store.add(messages, leaseMs);
    this.#queue.push(...stored.slice(0, queuedMax - this.#queue.length));
    this.#hire(() => this.#sendQueued());
  }

  /** Begins nothing more and waits for what is being sent. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#timer();
    await this.#workers.settled();
  }

  #hire(work: () => Promise<void>): void {
    if (this.#draining || this.#underWay >= this.#ports.mailer.atOnceMax) return;
    // Where the database does not answer, the next look finds the same.
    this.#workers.begin(work);
  }

  async #sendQueued(): Promise<void> {
    const { clock, mailer } = this.#ports;
    while (!this.#draining && this.#queue.length > 0) {
      const room = mailer.atOnceMax - this.#underWay;
      const next = this.#queue.splice(0, Math.min(room, limits.messagesPerCallMax));
      if (next.length === 0) return;
      // One that waited so long is left to the sweep.
      const group = next.filter(({ storedAt }) => clock.now() - storedAt <= queuedMaxMs);
      if (group.length > 0) await this.#sendAll(group);
    }
  }

  /** Where one is due, there may be more. */
  async #sendDue(): Promise<void> {
    while (!this.#draining && this.#underWay < this.#ports.mailer.atOnceMax) {
      const message = await this.#ports.store.takeDue(leaseMs);
      if (message === null) return;
      this.#hire(() => this.#sendDue());
      await this.#sendAll([message]);
    }
  }

  async #sendAll(group: readonly MessageDoc[]): Promise<void> {
    this.#underWay += group.length;
    let letters: readonly Letter[];
    try {
      letters = await this.#ports.compose(group);
    } catch (error) {
      const why = error instanceof Error ? error : new Error(String(error));
      letters = group.map(() => why);
    }
    const none = new Error('it was not composed');
    await Promise.allSettled(group.map((message, i) => this.#send(message, letters[i] ?? none)));
  }

  async #send(message: MessageDoc, letter: Letter): Promise<void> {
    const { store, mailer, from } = this.#ports;
    if (letter === 'outdated') {
      this.#answered();
      return store.drop(message._id);
    }
    try {
      if (letter instanceof Error) throw letter;
      const name = createHash('sha256').update(message._id).digest('hex').slice(0, 40);
      await mailer.send({ ...letter, from: `Usher <${from}>`, messageId: `${name}@${this.#host}` });
    } catch (error) {
      this.#answered();
      await this.#notSent(message, error);
      return;
    }
    this.#answered();
    await this.#noteSent(message);
  }

  #answered(): void {
    this.#underWay--;
    if (this.#queue.length === 0 || this.#beckoned) return;
    // After a tick there is room for more of them together.
    this.#beckoned = true;
    this.#hire(async () => {
      await this.#ports.clock.tick();
      this.#beckoned = false;
      await this.#sendQueued();
    });
  }

  /** Without the note it would be sent again when its lease has ended. */
  async #noteSent({ _id }: MessageDoc): Promise<void> {
    const { store, clock } = this.#ports;
    for (let tries = 1; ; tries++) {
      try {
        return await store.sent(_id);
      } catch (error) {
        if (tries >= notes.triesMax) throw error;
        await clock.sleep(notes.waitMs);
      }
    }
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
