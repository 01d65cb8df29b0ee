import type { Clock } from '#adapters/clock/port.ts';

export type SecondAskOptions = {
  /** An answer that takes longer is asked for again; above what most answers take. */
  readonly afterMs: number;
  /** Second requests are at most this share of all; a slow provider is not asked twice as much. */
  readonly shareMax: number;
  /** Second requests that may be saved up. */
  readonly savedMax: number;
};

const defaultSecondAsk: SecondAskOptions = { afterMs: 800, shareMax: 0.05, savedMax: 50 };

/**
 * Asks again beside a request that is long without an answer, and takes whichever answer comes
 * first: an answer that was lost costs a second and not the whole time limit. Only for requests
 * that have their effect once however often they are sent.
 */
export class SecondAsk {
  readonly #clock: Clock;
  readonly #options: SecondAskOptions;
  #saved: number;

  constructor(clock: Clock, options: SecondAskOptions = defaultSecondAsk) {
    this.#clock = clock;
    this.#options = options;
    this.#saved = options.savedMax;
  }

  /**
   * Settles with the first answer. `isAnswer` says which rejections are one; the others wait for
   * the request beside, and the first request's is thrown when neither is answered.
   */
  async run<T>(task: () => Promise<T>, isAnswer: (error: unknown) => boolean): Promise<T> {
    const { afterMs, shareMax, savedMax } = this.#options;
    this.#saved = Math.min(savedMax, this.#saved + shareMax);
    const first = task();
    const late = Promise.withResolvers<'late'>();
    const cancel = this.#clock.after(afterMs, () => late.resolve('late'));
    const outcome = await Promise.race([first.catch(() => undefined), late.promise]);
    cancel();
    if (outcome !== 'late' || this.#saved < 1) return first;
    this.#saved--;
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
