/** `n` where JavaScript's numbers are exact, as they are for every weight and amount that we take. */
const whole = (n: number): bigint => BigInt(n);

/**
 * Divides a whole amount in proportion to weights (equally when all are 0): whole numbers that add
 * up to it exactly; the largest remainders, then the first, get the odd units. With a `step`, the
 * parts of an amount that is a multiple of it are multiples too. The amount may be below 0, weights
 * may not.
 */
export function split(amount: number, weights: readonly number[], step = 1): readonly number[] {
  if (step > 1 && amount % step === 0) {
    return split(amount / step, weights).map((part) => part * step);
  }
  const zero = weights.every((w) => w === 0);
  const exact = zero ? weights.map(() => 1n) : weights.map(whole);
  const sum = exact.reduce((a, b) => a + b, 0n);
  const parts: number[] = [];
  const rests: bigint[] = [];
  for (const weight of exact) {
    const product = whole(amount) * weight;
    // Rounded down, also below 0.
    const rest = ((product % sum) + sum) % sum;
    parts.push(Number((product - rest) / sum));
    rests.push(rest);
  }
  let left = amount - parts.reduce((a, b) => a + b, 0);
  const order = rests.map((rest, i) => ({ i, rest }));
  order.sort((a, b) => Number(b.rest - a.rest) || a.i - b.i);
  for (const { i } of order) {
    if (left-- <= 0) break;
    parts[i] = (parts[i] ?? 0) + 1;
  }
  return parts;
}
