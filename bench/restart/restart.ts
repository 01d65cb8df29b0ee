import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ManyEvents } from '#bench/restart/many-events.ts';
import { stageEvent } from '#bench/restart/staging.ts';
import type { Takeover } from '#bench/restart/successor.ts';
import type { AnyRow, Bar, Figures } from '#bench/support/results.ts';
import { spread } from '#bench/support/stats.ts';
import { limits } from '#domain/limits.ts';

export type RestartOptions = {
  readonly runs: number;
  /** Sold or held seats of the large event. */
  readonly seats: number;
  readonly events: number;
  readonly seatsOfSmallEvent: number;
};

const names = { sold: 'all seats sold', held: 'all seats held' } as const;

const bars: readonly Bar[] = [
  { id: 'P7', what: 'ms until the first answer', figure: 'activeMs', most: 1_500 },
  {
    id: 'P7',
    what: 'bytes of memory a seat',
    figure: 'bytesPerSeat',
    rows: [names.sold],
    most: 250,
  },
  { id: 'P7', what: 'events that stay open in vain', figure: 'coldLeft', most: 0 },
];

const run = promisify(execFile);

/** Runs a file of this folder in a process of its own; answers the JSON of its last line. */
async function inOwnProcess<T>(file: string, args: readonly (string | number)[]): Promise<T> {
  const path = fileURLToPath(new URL(file, import.meta.url));
  const { stdout } = await run(process.execPath, [path, ...args.map(String)]);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
}

/** The suite: an event of 100 000 seats, and as many small ones as a node may have. */
export const measureRestart = ({ runs }: { readonly runs: number }): Promise<Figures> =>
  playRestart({ runs, seats: 100_000, events: limits.actorsPerNodeMax, seatsOfSmallEvent: 200 });

/**
 * Events that become active on another host: one large event whose owner has died, claimed and
 * restored by a new process each time, and one process with many small events of which the cold
 * ones are given up.
 */
async function playRestart(options: RestartOptions): Promise<Figures> {
  const { runs, seats, events, seatsOfSmallEvent } = options;
  const rows: AnyRow[] = [];
  for (const sold of [true, false]) rows.push(await takeOver(seats, sold, runs));
  rows.push(await manyEvents(events, seatsOfSmallEvent));
  const generator = 'one command at a time, on the same cores';
  return { suite: 'restart', settings: options, rows, bars, generator };
}

async function takeOver(seats: number, sold: boolean, runs: number): Promise<AnyRow> {
  const uri = process.env.USHER_TEST_MONGODB_URI ?? '';
  const name = sold ? names.sold : names.held;
  const eventId = await stageEvent(uri, seats, sold);
  const takeovers: Takeover[] = [];
  for (let turn = 0; turn < runs; turn++) {
    const found = await inOwnProcess<Takeover>('successor.ts', [eventId, seats, turn]);
    takeovers.push(found);
    const { activeMs, bytes } = found;
    console.log(
      `${name}: active in ${activeMs.toFixed(0)} ms, ${(bytes / seats).toFixed(0)} B a seat`,
    );
  }
  return {
    name,
    figures: {
      activeMs: spread(takeovers.map((t) => t.activeMs)),
      bytesPerSeat: spread(takeovers.map((t) => t.bytes / seats)),
    },
    honest: takeovers.length === runs,
  };
}

async function manyEvents(events: number, seats: number): Promise<AnyRow> {
  const many = await inOwnProcess<ManyEvents>('many-events.ts', [events, seats]);
  const warm = Math.ceil(events / 100);
  return {
    name: `${events} events of ${seats} seats`,
    figures: {
      opensPerSecond: spread([events / (many.openMs / 1_000)]),
      bytesPerEvent: spread([many.bytesOpen / events]),
      passivateSeconds: spread([many.passivateMs / 1_000]),
      megabytesAfter: spread([many.bytesAfter / 1e6]),
      coldLeft: spread([many.left - warm]),
    },
    honest: many.left >= warm,
  };
}
