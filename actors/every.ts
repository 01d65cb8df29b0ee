import type { Cancel, Clock } from '#adapters/clock/port.ts';

/**
 * Runs `task` now and then every `ms`, never two at once: a run that takes longer delays the next.
 * What it throws goes to `failed` and ends nothing. The answer stops it.
 */
export function every(
  clock: Clock,
  ms: number,
  task: () => void | Promise<void>,
  failed: (error: unknown) => void,
): Cancel {
  let stopped = false;
  let cancel: Cancel = () => {};
  const run = async (): Promise<void> => {
    const startedAt = clock.monotonic();
    try {
      await task();
    } catch (error) {
      failed(error);
    }
    if (stopped) return;
    const spentMs = clock.monotonic() - startedAt;
    cancel = clock.after(Math.max(1, ms - spentMs), () => void run());
  };
  void run();
  return () => {
    stopped = true;
    cancel();
  };
}

/** What `promise` resolves with, or undefined once `ms` have passed without an outcome. */
export function within<T>(clock: Clock, ms: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => resolve(undefined));
    promise.finally(cancel).then(resolve, reject);
  });
}

/** Runs `task` over `items`, at most `width` at a time. Rejects with the first failure. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker));
}
