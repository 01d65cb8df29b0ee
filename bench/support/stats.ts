/** Latencies of one kind of operation, in milliseconds. */
export class Samples {
  readonly #values: number[] = [];
  #sorted = true;

  add(ms: number): void {
    this.#values.push(ms);
    this.#sorted = false;
  }

  get count(): number {
    return this.#values.length;
  }

  /** The `q` quantile (0.99 for p99); 0 when there is no sample. */
  quantile(q: number): number {
    if (!this.#sorted) {
      this.#values.sort((a, b) => a - b);
      this.#sorted = true;
    }
    const index = Math.min(this.#values.length - 1, Math.ceil(q * this.#values.length) - 1);
    return this.#values[Math.max(0, index)] ?? 0;
  }
}

/** Minimum, median and maximum of several runs' figures. */
export function spread(values: readonly number[]): { min: number; median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (i: number): number => sorted[i] ?? 0;
  return {
    min: at(0),
    median: at(Math.floor((sorted.length - 1) / 2)),
    max: at(sorted.length - 1),
  };
}

/** Runs `task` for 0 … count-1, at most `width` at a time. */
export async function inParallel(
  count: number,
  width: number,
  task: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await task(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

/** Prints rows as an aligned table; the first row is the head. */
export function table(rows: ReadonlyArray<readonly (string | number)[]>): string {
  const texts = rows.map((row) => row.map(String));
  const widths = (texts[0] ?? []).map((_, c) => Math.max(...texts.map((r) => (r[c] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0)))
      .join('  ');
  return texts.map(line).join('\n');
}
