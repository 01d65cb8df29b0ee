/** Outcomes that every command can have. */
const always = ['ok', 'moved', 'unavailable', 'deadline-exceeded', 'outcome-unknown'];

/** What each command may be answered besides; from `domain/inventory/commands.ts`. */
const answers: Readonly<Record<string, readonly string[]>> = {
  open: always,
  'change-terms': [...always, 'version-gap'],
  block: [...always, 'version-gap'],
  unblock: [...always, 'version-gap'],
  hold: [
    ...always,
    'idempotency-key-reused',
    'invalid-request',
    'limit-exceeded',
    'not-found',
    'not-on-sale',
    'reservation-expired',
    'reservation-released',
    'seats-unavailable',
    'sold-out',
  ],
  extend: [
    ...always,
    'hold-not-extendable',
    'not-found',
    'reservation-expired',
    'reservation-released',
    'reservation-sold',
  ],
  release: [...always, 'not-found', 'reservation-expired', 'reservation-sold'],
  'read-hold': [...always, 'not-found', 'reservation-expired', 'reservation-released'],
  pin: [
    ...always,
    'not-found',
    'reservation-expired',
    'reservation-released',
    'reservation-sold',
    'state-forbids',
  ],
  sell: ['sold', 'refused', ...always.slice(1)],
  unsell: always,
};

const facts = [
  'opened',
  'terms-changed',
  'held',
  'extended',
  'pinned',
  'released',
  'expired',
  'sold',
  'sold after its deadline',
  'sold on equal seats',
  ...['unknown-hold', 'released', 'expired', 'seats-taken', 'cancelled'].map(
    (reason) => `sell-refused ${reason}`,
  ),
  'unsold',
  'unsold and blocked',
  'blocked',
  'unblocked',
  'claimed of its own',
  'claimed of nobody',
  'claimed from another',
  'handed-over to another',
  'handed-over to nobody',
];

/** What nodes report of their own course. */
const reports = [
  'a batch cannot be stored',
  'a directory row is stale',
  'a heartbeat failed',
  'a snapshot failed',
  'an event could not be claimed',
  'an event could not be opened',
  'heartbeat not removed',
  'no heartbeat',
  'upkeep failed',
];

/** Where each step of a booking may lead; `unknown`: it is done again. */
const steps: Readonly<Record<string, readonly string[]>> = {
  // What is light is told by the write behind it.
  pin: ['pending/authorise', 'selling/capture', 'expired/settle', 'cancelled/settle', 'unknown'],
  authorise: [
    'again',
    'pending/await',
    'pending/decline',
    'requires_action/await',
    'selling/capture',
    'expired/settle',
    'cancelled/settle',
    'unknown',
  ],
  await: [
    'again',
    'pending/decline',
    'requires_action/decline',
    'selling/sell',
    'expired/settle',
    'cancelled/settle',
    'unknown',
  ],
  decline: ['declined/rest', 'expired/settle', 'cancelled/settle', 'unknown'],
  rest: ['pending/pin', 'expired/settle', 'cancelled/settle'],
  sell: ['selling/capture', 'expired/settle', 'unknown'],
  capture: [
    'again',
    'confirmed/done',
    'confirmed/owing',
    'confirmed/cancel',
    'selling/undo',
    'cancelled/settle',
    'unknown',
  ],
  undo: ['cancelled/settle', 'confirmed/done', 'confirmed/cancel', 'unknown'],
  cancel: ['cancelled/settle'],
  owing: ['confirmed/charge', 'cancelled/settle', 'partially_refunded/settle'],
  charge: ['again', 'confirmed/owing', 'confirmed/done', 'cancelled/settle', 'unknown'],
  settle: [
    'again',
    'expired/done',
    'cancelled/done',
    'partially_refunded/done',
    'refunded/done',
    'unknown',
  ],
  done: ['partially_refunded/settle', 'cancelled/settle'],
};

const flow = [
  ...Object.entries(steps).flatMap(([step, ends]) => ends.map((end) => `${step} → ${end}`)),
  ...['pin', 'authorise', 'await', 'decline', 'sell', 'capture', 'undo'].map(
    (step) => `cancel wanted during ${step}`,
  ),
  'commit stale',
  'a message came twice',
  'alarm refund-failed',
  'goodwill',
  ...['open', 'won', 'lost'].map((state) => `dispute ${state}`),
];

/** Where bundles come by: their own steps, then status and step of their order. */
const bundles = [
  ...['held', 'release', 'done', 'pending/pin', 'pending/authorise', 'pending/await'],
  ...['pending/decline', 'requires_action/await', 'requires_action/decline', 'declined/rest'],
  ...['selling/sell', 'selling/capture', 'selling/undo', 'confirmed/done'],
  ...['expired/settle', 'expired/done', 'cancelled/settle', 'cancelled/done'],
  ...['confirmed', 'expired', 'cancelled'].flatMap((end) =>
    ['promo code', 'voucher alone', 'voucher beside a card'].map((way) => `${way} → ${end}`),
  ),
];

/** Everything that a run of many seeds should reach. */
const branches: readonly string[] = [
  ...facts.map((name) => `fact: ${name}`),
  ...reports.map((name) => `node: ${name}`),
  ...flow.map((name) => `booking: ${name}`),
  ...bundles.map((name) => `bundle: ${name}`),
  ...['cancelled', 'postponed'].map((kind) => `news: ${kind}`),
  ...Object.entries(answers).flatMap(([command, all]) =>
    all.map((answer) => `answer: ${command}: ${answer}`),
  ),
];

/** Lines with how often each branch was reached, those that never were last. */
export function coverageLines(counts: ReadonlyMap<string, number>): readonly string[] {
  const known = new Set(branches);
  const reached = branches.filter((branch) => counts.has(branch));
  const others = [...counts.keys()].filter((branch) => !known.has(branch)).sort();
  const missed = branches.filter((branch) => !counts.has(branch));
  const line = (branch: string): string => `${String(counts.get(branch)).padStart(9)}  ${branch}`;
  return [
    ...reached.map(line),
    ...others.map(line),
    `\n${reached.length} of ${branches.length} branches reached`,
    ...missed.map((branch) => `not covered: ${branch}`),
  ];
}
