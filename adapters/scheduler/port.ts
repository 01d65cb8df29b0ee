/** Work that is done again and again by one of many workers at a time. */
export type RecurringJob = {
  readonly name: string;
  readonly everyMs: number;
  /** A worker that has died is noticed after this, and another begins the next run. */
  readonly lockMs: number;
  /** A run that takes longer than this counts as dead too; above `lockMs`. */
  readonly limitMs: number;
  /**
   * Does the work and answers what it did, by name (`{woken: 3}`). At least once: a worker may die
   * in the middle, so its effects must bear repetition.
   */
  readonly run: () => Promise<Readonly<Record<string, number>>>;
};

/** Jobs are kept in the database: whichever worker is alive does them, each run one of them. */
export interface Scheduler {
  /** Defines the jobs and begins to take turns at them. */
  start(jobs: readonly RecurringJob[]): Promise<void>;
  /** Takes no more turns and waits for those under way, at most `waitMs`. */
  stop(waitMs: number): Promise<void>;
}

/** What became of the runs of one job. */
export type JobTally = {
  readonly name: string;
  readonly runs: number;
  readonly errors: number;
  /** Runs in a row that failed; 0 after one that did not. */
  readonly failing: number;
  /** Epoch ms. */
  readonly lastRunAt: number;
  readonly lastError?: string;
  readonly lastErrorAt?: number;
};
