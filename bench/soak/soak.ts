import { setTimeout as sleep } from 'node:timers/promises';
import { systemIds } from '#adapters/ids/system.ts';
import {
  accepted,
  farAhead,
  floorTerms,
  holdOf,
  memoryInUse,
  newEventId,
  openCommand,
  startNode,
} from '#bench/support/event-host.ts';
import type { AnyRow, Bar, Figures } from '#bench/support/results.ts';
import { spread } from '#bench/support/stats.ts';
import { makeId } from '#domain/ids.ts';
import type { Command } from '#domain/inventory/commands.ts';

const seats = 20_000;
/** As many buyers come again and again: what is remembered of each is bounded, so all of it is. */
const buyers = 500;
const holdTtlMs = 2_000;
const perTick = 100;
const tickMs = 50;
const samplesMost = 120;
/** Of the run, before memory has to be flat: buyers' memories fill up. */
const warmUpShare = 0.25;

const bar: Bar = {
  id: 'P7',
  what: '% of memory more at the end than after the warm-up',
  figure: 'growthPercent',
  most: 5,
};

type Sample = { readonly atMs: number; readonly bytes: number };

/**
 * Holds, releases and expiries on one node for many minutes, with the memory in use sampled after
 * collections: it must stay flat.
 */
export async function measureSoak({ minutes }: { readonly minutes: number }): Promise<Figures> {
  const uri = process.env.USHER_TEST_MONGODB_URI ?? '';
  const node = await startNode(uri, { nodeId: `soak-${systemIds.ulid()}` });
  const { host } = node;
  const eventId = newEventId();
  try {
    const terms = floorTerms(seats);
    const short = { ...terms, limits: { ...terms.limits, holdTtlMs } };
    await accepted(host, eventId, [openCommand(eventId, short)]);
    const crowd = new SoakCrowd(eventId);
    const samples: Sample[] = [];
    const started = performance.now();
    const lengthMs = minutes * 60_000;
    const sampleMs = lengthMs / samplesMost;
    for (let now = 0; now < lengthMs; now = performance.now() - started) {
      if (now >= samples.length * sampleMs) {
        samples.push({ atMs: now, bytes: await memoryInUse() });
        const megabytes = ((samples.at(-1)?.bytes ?? 0) / 1e6).toFixed(1);
        console.log(`${(now / 60_000).toFixed(1)} min: ${crowd.decided} decided, ${megabytes} MB`);
      }
      const commands = crowd.next();
      crowd.note(commands, await host.execute(eventId, commands));
      await sleep(Math.max(0, tickMs - (performance.now() - started - now)));
    }
    const counts = (await host.inspect(eventId))?.counts;
    const sum = Object.values(counts ?? {}).reduce((all, one) => all + one, 0);
    const row = rowOf(samples, crowd.decided / (minutes * 60), sum === seats);
    const generator = `${perTick} commands every ${tickMs} ms, in the same process`;
    return { suite: 'soak', settings: { minutes, seats, buyers }, rows: [row], bar, generator };
  } finally {
    await node.close();
  }
}

function rowOf(samples: readonly Sample[], perSecond: number, honest: boolean): AnyRow {
  const warm = samples.slice(Math.floor(samples.length * warmUpShare));
  const megabytes = spread(warm.map(({ bytes }) => bytes / 1e6));
  const first = warm[0]?.atMs ?? 0;
  const length = (warm.at(-1)?.atMs ?? 0) - first;
  const slope = slopeOf(warm);
  const growth = (slope * length) / (megabytes.median * 1e6);
  return {
    name: 'holds, releases and expiries',
    figures: {
      decidedPerSecond: spread([perSecond]),
      megabytes,
      kilobytesPerMinute: spread([slope * 60]),
      growthPercent: spread([100 * growth]),
    },
    honest,
  };
}

/** Bytes a millisecond: the line that fits the samples best. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [atMs, bytes] = [mean((s) => s.atMs), mean((s) => s.bytes)];
  const along = mean((s) => (s.atMs - atMs) * (s.bytes - bytes));
  return along / mean((s) => (s.atMs - atMs) ** 2);
}

/** Half of what it holds it gives back, the rest runs out. */
class SoakCrowd {
  readonly #eventId: string;
  readonly #buyers = Array.from({ length: buyers }, () => makeId('user', systemIds.ulid()));
  #releases: Command[] = [];
  decided = 0;

  constructor(eventId: string) {
    this.#eventId = eventId;
  }

  next(): readonly Command[] {
    const releases = this.#releases;
    this.#releases = [];
    const holds = Array.from({ length: perTick - releases.length }, () => {
      const buyerId = this.#buyers[Math.floor(Math.random() * buyers)] as string;
      return { ...holdOf(this.#eventId, Math.floor(Math.random() * seats)), buyerId };
    });
    return [...releases, ...holds];
  }

  note(commands: readonly Command[], replies: readonly { readonly ok: boolean }[]): void {
    for (const [i, command] of commands.entries()) {
      if (command.kind !== 'hold' || replies[i]?.ok !== true) continue;
      const { eventId, holdId, buyerId } = command;
      if (Math.random() < 0.5) continue;
      const id = `release-${holdId}`;
      const deadline = farAhead();
      this.#releases.push({ kind: 'release', id, eventId, deadline, holdId, buyerId });
    }
    this.decided += replies.length;
  }
}
