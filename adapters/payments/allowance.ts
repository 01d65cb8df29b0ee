export type AllowanceOptions = {
  /** What is allowed is at most this share of all requests. */
  readonly shareMax: number;
  /** So many may be saved up. */
  readonly savedMax: number;
};

const few: AllowanceOptions = { shareMax: 0.05, savedMax: 50 };

/** Requests beyond one for each: a provider that is in trouble is not asked twice as much. */
export class Allowance {
  readonly #options: AllowanceOptions;
  #saved: number;

  constructor(options: AllowanceOptions = few) {
    this.#options = options;
    this.#saved = options.savedMax;
  }

  /** Counts a request. */
  earn(): void {
    const { shareMax, savedMax } = this.#options;
    this.#saved = Math.min(savedMax, this.#saved + shareMax);
  }

  /** Whether one more is allowed; if so, it is used up. */
  spend(): boolean {
    if (this.#saved < 1) return false;
    this.#saved--;
    return true;
  }
}
