import { buyerTokens } from '#bench/path/buyers.ts';
import type { Ask } from '#bench/support/open-load.ts';

/** Buyers who come between a buyer's first reservation and the second. */
const buyersBetween = 500;

type Buyer = { readonly token: string; key: string };

/**
 * Buyers for one run after the other. Each reserves twice, so that half of what is accepted brings
 * a token that the gateway has not seen; who is refused comes back later with the same key. Nobody
 * is signed up in vain: who was never let in is new to the next run.
 */
export class Crowd {
  readonly #mongodbUri: string;
  readonly #fresh: Line<Buyer> = new Line();
  readonly #known: Line<Buyer> = new Line();
  #keys = 0;

  constructor(mongodbUri: string) {
    this.#mongodbUri = mongodbUri;
  }

  /** Sees to it that there are buyers for so many accepted reservations, and so many that wait. */
  async gather(accepted: number, waiting: number): Promise<void> {
    const missing = Math.ceil(accepted / 2) + waiting - this.#fresh.size;
    if (missing <= 0) return;
    const tokens = await buyerTokens(this.#mongodbUri, missing);
    for (const token of tokens) this.#fresh.push({ token, key: this.#newKey() });
  }

  /** The same for a closed loop, which is taken to have all it asks for accepted. */
  closed(eventId: string): () => Buffer | undefined {
    const next = this.asks(eventId);
    return () => {
      const ask = next();
      ask?.settled(true);
      return ask && Buffer.from(ask.text);
    };
  }

  /** Reservations of one best seat of the event; `settled` must be told how each ended. */
  asks(eventId: string): () => Ask | undefined {
    const body = JSON.stringify({ eventId, best: { quantity: 1 } });
    const tail = `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    let turn = 0;
    return () => {
      const again = turn++ % 2 === 1 && this.#known.size > buyersBetween;
      const from = again ? this.#known : this.#fresh;
      const buyer = from.shift();
      if (buyer === undefined) return undefined;
      return {
        text:
          `POST /v1/reserve HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${buyer.token}\r\n` +
          `idempotency-key: ${buyer.key}\r\n${tail}`,
        settled: (accepted) => {
          if (!accepted) return from.push(buyer);
          buyer.key = this.#newKey();
          if (!again) this.#known.push(buyer);
        },
      };
    };
  }

  #newKey(): string {
    return `bench-${this.#keys++}`;
  }
}

/** First in, first out, without moving the rest. */
class Line<T> {
  #items: T[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    if (++this.#first > 10_000) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }
}
