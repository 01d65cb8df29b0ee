import { hash, verify } from '@node-rs/argon2';
import type { Clock } from '#adapters/clock/port.ts';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';

/**
 * argon2id (the library's default variant) with 19 MiB, two passes, one lane: OWASP's first choice
 * for a server, about 20–40 ms of one core.
 */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

type Waiting = { readonly start: () => void };

/**
 * Hashes passwords, few at a time and in a bounded queue, so that a storm of logins takes neither
 * the cores nor the thread pool from the rest. Rejects with `overloaded` at once when the queue is
 * full, or when a place in it did not lead to a turn within `limits.queueWaitMs`.
 */
export class PasswordHasher {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #queue = new Set<Waiting>();
  #running = 0;
  #nobody: Promise<string> | undefined;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  hash(password: string): Promise<string> {
    return this.#turn(() => hash(password, cost));
  }

  /**
   * Is this the password? An account that does not exist (`undefined`) takes as long as one that
   * does, and the answer is no.
   */
  async verify(passwordHash: string | undefined, password: string): Promise<boolean> {
    return this.#turn(async () => {
      this.#nobody ??= hash('nobody has this password', cost);
      const right = await verify(passwordHash ?? (await this.#nobody), password);
      return right && passwordHash !== undefined;
    });
  }

  async #turn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limits.passwordHashesRunning) await this.#wait();
    else this.#running++;
    try {
      return await task();
    } finally {
      const [next] = this.#queue;
      if (next === undefined) this.#running--;
      else next.start();
    }
  }

  /** Resolves when the place of one that ended has been handed over. */
  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#queue.size >= this.#limits.passwordHashesWaiting) {
        reject(new UsherError('overloaded', 'Too many log-ins at this moment'));
        return;
      }
      const cancel = this.#clock.after(this.#limits.queueWaitMs, () => {
        if (this.#queue.delete(waiting)) {
          reject(new UsherError('overloaded', 'Too many log-ins at this moment'));
        }
      });
      const waiting: Waiting = {
        start: () => {
          this.#queue.delete(waiting);
          cancel();
          resolve();
        },
      };
      this.#queue.add(waiting);
    });
  }
}
