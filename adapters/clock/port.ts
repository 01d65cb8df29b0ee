/** Gives back what a timer holds; calling it after the timer fired does nothing. */
export type Cancel = () => void;

/**
 * All time in the system. Production code under `actors/` and `flows/` runs in the simulation on a
 * virtual clock, so nothing there may take time from elsewhere.
 */
export interface Clock {
  /** Wall time, epoch ms. May jump. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. May have a fraction. */
  monotonic(): number;
  /** Runs `task` once, `ms` from now. A task must not throw. Does not keep the process alive. */
  after(ms: number, task: () => void): Cancel;
  /** Resolves `ms` from now. Keeps the process alive. */
  sleep(ms: number): Promise<void>;
  /** Resolves after the I/O that is ready now has been seen: the "tick" of batching. */
  tick(): Promise<void>;
}
