import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';

/**
 * Takes one turn after the other, each `everyMs` after the last has ended (a little more or less,
 * so that nodes spread), until the answer is called; a turn in flight then still ends. What failed
 * in a turn is left to the next.
 */
export function repeated(
  { clock, ids }: { readonly clock: Clock; readonly ids: Ids },
  everyMs: number,
  turn: () => Promise<unknown>,
): () => void {
  let stopped = false;
  let cancel: () => void = () => {};
  const next = (): void => {
    if (stopped) return;
    cancel = clock.after(everyMs * (0.75 + ids.chance() / 2), () => {
      turn()
        .catch(() => undefined)
        .finally(next);
    });
  };
  next();
  return () => {
    stopped = true;
    cancel();
  };
}
