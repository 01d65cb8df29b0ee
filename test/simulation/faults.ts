/** Every kind of trouble that a run can bring; counted, so that none is forgotten. */
export const faultKinds = [
  'append: acknowledgement lost',
  'append: not applied',
  'append: applied late',
  'append: sent twice',
  'append: late, behind its own retry',
  'append: taken back by an election',
  'append: duplicate key of a write that is taken back',
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
  'clock jump of the database server',
  'request lost',
  'request sent twice',
  'reply lost',
  'message late',
  'delta lost',
  'hand-over under load',
  'passivation under load',
  'entries emptied',
  'emptied entry read',
  'chart version changed',
  'several events',
  'core call: not carried out',
  'core call: answer lost',
  'core crash',
  'core crash at a call',
  'core pause',
  'core stall past its lease',
  'core clock jump',
  'core planned restart',
  'payment: declined',
  'payment: 3-D Secure',
  'payment: capture refused',
  'payment: refund failed',
  'payment: done, then timed out',
  'payment: done long after the time-out',
  'payment: request lost',
  'payment: server error',
  'webhook: late, behind later ones',
  'webhook: doubled',
  'webhook: lost',
] as const;

export type FaultKind = (typeof faultKinds)[number];
export type FaultCounts = Record<FaultKind, number>;

export const noFaults = (): FaultCounts =>
  Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;

export function addFaults(sum: FaultCounts, more: FaultCounts): void {
  for (const kind of faultKinds) sum[kind] += more[kind];
}
