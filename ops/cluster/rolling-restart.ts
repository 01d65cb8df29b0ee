import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '#domain/limits.ts';
import type { NodeProcess } from './node-process.ts';

/** Whom others call comes before who calls them: a newer caller may need a newer answer. */
const order = ['inventory', 'core', 'worker', 'gateway'];

/** A node that came back takes events of the next one once it was seen for this long. */
const settleMs = limits.heartbeatDeadMs + 2 * limits.heartbeatEveryMs;

/**
 * Lets every node drain and starts it again, one after the other, each ready before the next one
 * goes. With two nodes or more of every role nothing that clients ask for fails: at most they are
 * told to ask again. Rejects when a node does not become ready; the rest then still runs.
 */
export async function rollingRestart(nodes: readonly NodeProcess[]): Promise<void> {
  for (const role of order) {
    for (const node of nodes.filter(({ plan }) => plan.role === role)) {
      await node.drain();
      node.start();
      await node.ready();
      if (role === 'inventory') await sleep(settleMs);
    }
  }
}
