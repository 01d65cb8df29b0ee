import { setTimeout as sleep } from 'node:timers/promises';
import { systemIds } from '#adapters/ids/system.ts';
import { spareSeats } from '#bench/restart/staging.ts';
import { accepted, holdOf, memoryInUse, startNode } from '#bench/support/event-host.ts';
import { limits } from '#domain/limits.ts';

/** What a successor tells about itself. */
export type Takeover = { readonly activeMs: number; readonly bytes: number };

/**
 * A process of its own: an inventory node that takes over one event whose owner is dead, measured
 * from its first command to the first accepted answer. Arguments: event, sold seats, which spare
 * seat to hold.
 */
const [eventId = '', seats = '0', turn = '0'] = process.argv.slice(2);
const uri = process.env.USHER_TEST_MONGODB_URI ?? '';
const node = await startNode(uri, { nodeId: `next-${systemIds.ulid()}` });
// The last owner is dead by now, and this node has beaten long enough to say so.
await sleep(limits.heartbeatDeadMs * 2 + limits.heartbeatEveryMs);
const before = await memoryInUse();
const from = performance.now();
const seat = Number(seats) + (Number(turn) % spareSeats);
await accepted(node.host, eventId, [holdOf(eventId, seat)]);
const activeMs = performance.now() - from;
const takeover: Takeover = { activeMs, bytes: (await memoryInUse()) - before };
console.log(JSON.stringify(takeover));
await node.close();
