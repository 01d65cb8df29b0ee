/** FNV-1a over the UTF-16 units, then a finalizer that spreads every input bit over all 32. */
function hash32(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Rendezvous hashing: the nodes in the order in which they should own the event, best first. The
 * same on every node whatever the order of `nodeIds`; a node that leaves moves only its own
 * events, and those evenly to all others.
 */
export function rankNodes(eventId: string, nodeIds: readonly string[]): string[] {
  return nodeIds
    .map((nodeId) => ({ nodeId, weight: hash32(`${eventId}\n${nodeId}`) }))
    .sort((a, b) => b.weight - a.weight || (a.nodeId < b.nodeId ? -1 : 1))
    .map(({ nodeId }) => nodeId);
}
