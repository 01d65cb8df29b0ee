/** Every kind of trouble that a run can bring; counted, so that none is forgotten. */
export const faultKinds = [
  'append: acknowledgement lost',
  'append: not applied',
  'append: applied late',
  'append: sent twice',
  'append: duplicate key of a rolled-back write',
  'append: slow',
  'read failed',
  'linearizable read failed',
  'stale primary',
  'stale read answered',
  'snapshot failed',
  'old snapshot answered',
  'directory failed',
  'entry cannot be stored',
  'database cut off',
  'heartbeats lost',
  'gateways lose a node',
  'pause',
  'pause longer than a take-over',
  'crash',
  'planned restart',
  'clock jump',
  'request lost',
  'request sent twice',
  'reply lost',
  'message late',
  'delta lost',
] as const;

export type FaultKind = (typeof faultKinds)[number];
export type FaultCounts = Record<FaultKind, number>;

export const noFaults = (): FaultCounts =>
  Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;

export function addFaults(sum: FaultCounts, more: FaultCounts): void {
  for (const kind of faultKinds) sum[kind] += more[kind];
}
