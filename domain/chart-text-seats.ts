import type { Mistakes } from '#domain/chart-check.ts';
import { limits } from '#domain/limits.ts';

/** A seat of a row and the number of seats missing between it and the one before it. */
export type SeatRun = { readonly number: string; readonly gapBefore: number };

const range = /^(0|[1-9]\d{0,6})-(0|[1-9]\d{0,6})(?:\/([1-9]\d{0,3}))?$/;
const single = /^[^\s,|/]+$/;

function numbersOfPart(part: string): string[] | string {
  const match = range.exec(part);
  if (match === null) return single.test(part) ? [part] : `"${part}" is no seat number`;
  const [from, to] = [Number(match[1]), Number(match[2])];
  const step = Number(match[3] ?? 1);
  const count = Math.floor(Math.abs(to - from) / step) + 1;
  if (count > limits.chartPlacesMax) {
    return `${part} would be ${count} seats, ${limits.chartPlacesMax} are allowed`;
  }
  const direction = to >= from ? step : -step;
  return Array.from({ length: count }, (_, i) => String(from + i * direction));
}

/** `1-4,7` → 1 2 3 4 7; `9-1/2` → 9 7 5 3 1. Mistakes go to `mistakes`. */
export function numbersOf(text: string, path: string, mistakes: Mistakes): string[] {
  if (text.trim() === '') return [];
  return text
    .trim()
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .flatMap((part) => {
      const numbers = numbersOfPart(part);
      if (typeof numbers !== 'string') return numbers;
      mistakes.add(path, numbers);
      return [];
    });
}

/** Seats of a row in which each `|` stands for one missing seat: `1-10 | 11-20`. */
export function seatRunsOf(text: string, path: string, mistakes: Mistakes): SeatRun[] {
  const runs: SeatRun[] = [];
  let gap = 0;
  for (const block of text.split('|')) {
    for (const number of numbersOf(block, path, mistakes)) {
      runs.push({ number, gapBefore: runs.length === 0 ? 0 : gap });
      gap = 0;
    }
    gap++;
  }
  if (runs.length === 0) mistakes.add(path, 'the row has no seats');
  return runs;
}

/** The shortest spelling of numbers in this order: ranges where they are progressions. */
export function spellNumbers(numbers: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < numbers.length; ) {
    const length = progression(numbers, i);
    const [from, to] = [numbers[i] as string, numbers[i + length - 1] as string];
    const step = length > 1 ? Math.abs(Number(numbers[i + 1]) - Number(from)) : 1;
    parts.push(length === 1 ? from : `${from}-${to}${step === 1 ? '' : `/${step}`}`);
    i += length;
  }
  return parts.join(',');
}

const plain = /^(0|[1-9]\d{0,6})$/;

/** Length of the progression that begins at `i`; 1 when it is too short to be worth a range. */
function progression(numbers: readonly string[], i: number): number {
  const value = (at: number): number =>
    plain.test(numbers[at] ?? '') ? Number(numbers[at]) : Number.NaN;
  const step = value(i + 1) - value(i);
  if (!Number.isFinite(step) || step === 0 || Math.abs(step) > 9_999) return 1;
  let length = 2;
  while (value(i + length) - value(i + length - 1) === step) length++;
  return length === 2 && Math.abs(step) !== 1 ? 1 : length;
}

/** The row's seats with a `|` for each missing one, as `seatRunsOf` reads it. */
export function spellRuns(runs: readonly SeatRun[]): string {
  const blocks: string[] = [];
  let block: string[] = [];
  for (const { number, gapBefore } of runs) {
    if (gapBefore > 0) {
      blocks.push(spellNumbers(block), '|'.repeat(gapBefore));
      block = [];
    }
    block.push(number);
  }
  return [...blocks, spellNumbers(block)].join(' ');
}
