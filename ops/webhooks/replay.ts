import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Db } from 'mongodb';
import { systemClock } from '#adapters/clock/system.ts';
import { type Replayed, WebhookReplay } from '#adapters/payments/replay.ts';
import { runNow } from '#adapters/scheduler/agenda.ts';
import { runCommand } from '#ops/command.ts';
import { onRunningDatabase } from '#ops/running-database.ts';

const usage =
  'npm run webhooks:replay [-- [--event <evt_…>] [--since <2h | 30min | 2026-05-01T10:00:00Z>] [--dry-run] [--uri <mongodb uri>]]';
const waitMs = 75_000;
const unitMs: Readonly<Record<string, number>> = { min: 60_000, h: 3_600_000, d: 86_400_000 };

/** `2h`, `30min`, `3d` before `now`, or a date, as epoch ms. Throws for anything else. */
export function sinceOf(text: string, now: number): number {
  const [, count, unit = ''] = /^(\d{1,6})(min|h|d)$/.exec(text) ?? [];
  const at = count === undefined ? Date.parse(text) : now - Number(count) * (unitMs[unit] ?? 0);
  if (Number.isFinite(at) && at <= now) return at;
  throw new Error(
    `--since: neither a time span (2h, 30min, 3d) nor a past date: ${text}\n${usage}`,
  );
}

const lines = (found: Awaited<ReturnType<WebhookReplay['stored']>>): string[] =>
  found.map(({ type, outcome, count }) => `${String(count).padStart(6)}  ${type}  ${outcome}`);

/** Waits until nothing of it is pending any more, or time runs out. */
async function settled(replay: WebhookReplay, which: Replayed): Promise<void> {
  for (const end = Date.now() + waitMs; Date.now() < end; await sleep(250)) {
    const pending = (await replay.stored(which)).some(({ outcome }) => outcome === 'pending');
    if (!pending) return;
  }
}

/** Asks a worker to fetch what never came; how many it took, undefined when none answered. */
async function fetched(db: Db, replay: WebhookReplay): Promise<number | undefined> {
  const asked = Date.now();
  if (!(await runNow(db, 'catch-up-webhooks'))) return undefined;
  for (const end = asked + waitMs; Date.now() < end; await sleep(250)) {
    const { ranAt = 0, taken = 0 } = await replay.mark(asked);
    if (ranAt >= asked) return taken;
  }
  return undefined;
}

async function run(db: Db, which: Replayed, dryRun: boolean): Promise<number> {
  const replay = new WebhookReplay(db, systemClock);
  const { eventId, since } = which;
  const chosen = eventId !== undefined || since !== undefined;
  const before = chosen ? await replay.stored(which) : [];
  const count = before.reduce((sum, row) => sum + row.count, 0);
  if (chosen) console.log(`${count} stored webhooks${dryRun ? ' would be' : ' are'} run again`);
  if (dryRun) {
    for (const line of lines(before)) console.log(line);
    const { upTo } = await replay.mark(Date.now());
    console.log(`what never came is fetched since ${new Date(since ?? upTo).toISOString()}`);
    return 0;
  }
  if (chosen) await replay.again(which);
  if (since !== undefined) await replay.wishSince(since);
  if (eventId !== undefined && count === 0) await replay.wishFor(eventId);
  const taken = await fetched(db, replay);
  if (chosen) {
    await settled(replay, which);
    for (const line of lines(await replay.stored(which))) console.log(line);
  }
  if (taken === undefined) {
    console.error('no worker answered: what never came was not fetched');
    return 2;
  }
  console.log(`${taken} that never came were fetched from the provider`);
  return 0;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      uri: { type: 'string' },
      event: { type: 'string' },
      since: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
    },
  });
  const { event: eventId, since } = values;
  if (eventId !== undefined && since !== undefined) throw new Error(usage);
  const from = since === undefined ? undefined : sinceOf(since, Date.now());
  return onRunningDatabase(values.uri, usage, (db) =>
    run(db, { eventId, since: from }, values['dry-run']),
  );
}

if (import.meta.main) await runCommand(main);
