import { setTimeout as sleep } from 'node:timers/promises';
import { systemIds } from '#adapters/ids/system.ts';
import {
  accepted,
  floorTerms,
  holdOf,
  memoryInUse,
  newEventId,
  openCommand,
  startNode,
} from '#bench/support/event-host.ts';
import { inParallel } from '#bench/support/stats.ts';

/** What a node with many small events tells about itself. */
export type ManyEvents = {
  readonly openMs: number;
  readonly bytesOpen: number;
  readonly passivateMs: number;
  readonly bytesAfter: number;
  readonly left: number;
};

/**
 * A process of its own: an inventory node with many small events, all of which are opened, one in
 * a hundred with a hold; the others grow cold and are given up. Arguments: events, seats of each.
 */
const [count = '0', seats = '0'] = process.argv.slice(2);
const holdEvery = 100;
const node = await startNode(process.env.USHER_TEST_MONGODB_URI ?? '', {
  nodeId: `many-${systemIds.ulid()}`,
  lower: { passivateAfterIdleMs: 1_000 },
});
const { host } = node;
const terms = floorTerms(Number(seats));
const before = await memoryInUse();
const from = performance.now();
await inParallel(Number(count), 64, async (i) => {
  const eventId = newEventId();
  await accepted(host, eventId, [openCommand(eventId, terms)]);
  if (i % holdEvery === 0) await accepted(host, eventId, [holdOf(eventId, 0)]);
});
const openMs = performance.now() - from;
const bytesOpen = (await memoryInUse()) - before;
const openedAt = performance.now();
const warm = Math.ceil(Number(count) / holdEvery);
const patienceMs = 10 * 60_000;
while (host.list().length > warm && performance.now() - openedAt < patienceMs) await sleep(100);
const many: ManyEvents = {
  openMs,
  bytesOpen,
  passivateMs: performance.now() - openedAt,
  bytesAfter: (await memoryInUse()) - before,
  left: host.list().length,
};
console.log(JSON.stringify(many));
await node.close();
