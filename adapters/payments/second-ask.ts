import type { Clock } from '#adapters/clock/port.ts';
import { Allowance, type AllowanceOptions } from '#adapters/payments/allowance.ts';

export type SecondAskOptions = {
  /** An answer that takes longer is asked for again; above what most answers take. */
  readonly afterMs: number;
  /** How many second requests there may be. */
  readonly allowance?: AllowanceOptions;
};

const defaultSecondAsk: SecondAskOptions = { afterMs: 800 };

/**
 * Asks again beside a request that is long without an answer, and takes whichever answer comes
 * first: an answer that was lost costs a second and not the whole time limit. Only for requests
 * that have their effect once however often they are sent.
 */
export class SecondAsk {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #allowance: Allowance;

  constructor(clock: Clock, options: SecondAskOptions = defaultSecondAsk) {
    this.#clock = clock;
    this.#afterMs = options.afterMs;
    this.#allowance = new Allowance(options.allowance);
  }

  /**
   * Settles with the first answer. `isAnswer` says which rejections are one; the others wait for
   * the request beside, and the first request's is thrown when neither is answered.
   */
  async run<T>(task: () => Promise<T>, isAnswer: (error: unknown) => boolean): Promise<T> {
    this.#allowance.earn();
    const first = task();
    const late = Promise.withResolvers<'late'>();
    const cancel = this.#clock.after(this.#afterMs, () => late.resolve('late'));
    const outcome = await Promise.race([first.catch(() => undefined), late.promise]);
    cancel();
    if (outcome !== 'late' || !this.#allowance.spend()) return first;
    return answeredFirst(first, task(), isAnswer);
  }
}

function answeredFirst<T>(
  first: Promise<T>,
  second: Promise<T>,
  isAnswer: (error: unknown) => boolean,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const unlessAnswer = (other: Promise<T>) => (error: unknown) => {
      if (isAnswer(error)) reject(error);
      else other.catch(() => first).then(resolve, reject);
    };
    first.then(resolve, unlessAnswer(second));
    second.then(resolve, unlessAnswer(first));
  });
}
