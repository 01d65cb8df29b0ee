/**
 * Every limit of the system, by name, unit last. `assertLimits` states how they relate; the
 * configuration may lower some of them (never raise) and asserts the relations again.
 */
export const limits = {
  // Holds
  holdTtlMs: 10 * 60_000,
  holdExtendMs: 5 * 60_000,
  /** A checkout pins its hold once to at least this long from now. */
  holdPinMs: 5 * 60_000,
  holdLifeMs: 20 * 60_000,
  /** A checkout that waits for the payment provider asks for more time this long before the end. */
  holdExtendBeforeMs: 60_000,
  ticketsPerBuyerAndEvent: 8,
  liveHoldsPerBuyerAndEvent: 2,
  /** One sale at the box office, where no limit per buyer applies. */
  boxOfficePlacesMax: 50,
  /** More places in one request are against the contract, whatever the event allows. */
  reservePlacesMax: 50,
  /** An ended hold's command id is remembered this long. */
  holdMemoryMs: 60 * 60_000,
  /** Remembered ended holds of one buyer in one event; the oldest is forgotten first. */
  holdMemoryPerBuyer: 64,

  // Charts
  chartPlacesMax: 120_000,
  chartVersionsPerEventMax: 32,
  /** Packed size of a chart's layout: it travels in one NATS message and one journal entry. */
  layoutPackedBytesMax: 700_000,

  // Event actor
  mailboxCommandsMax: 8_192,
  mailboxBytesMax: 16_000_000,
  batchCommandsMax: 1_024,
  batchBytesMax: 1_000_000,
  /** Deciding one batch may keep the process this long from its heartbeats. */
  batchDecideMs: 50,
  /** One journal entry with a lone large command (an opening); below MongoDB's 16 MB. */
  entryBytesMax: 8_000_000,
  expirySweepSeatsMax: 20_000,
  snapshotChunkBytesMax: 4_000_000,
  snapshotEveryEntries: 2_000,
  /** Facts behind a snapshot; a new owner reads and replays about 100 MB a second. */
  snapshotEveryBytes: 50_000_000,
  compactionSparesMs: 60 * 60_000,
  compactEveryMs: 10 * 60_000,
  keysKeptAfterEndMs: 7 * 24 * 3_600_000,
  passivateAfterIdleMs: 10 * 60_000,
  actorsPerNodeMax: 10_000,

  // Placement
  heartbeatEveryMs: 500,
  /** How often a node looks for commands past their deadline, and after its events. */
  sweepEveryMs: 250,
  upkeepEveryMs: 1_000,
  heartbeatDeadMs: 1_500,
  ownerTenureMs: 10_000,
  /** A node that gives up an event waits this long for its last entry. */
  handOverMs: 2_000,
  clockSkewMaxMs: 1_000,
  databaseCutOffMs: 2_000,
  /** No answer of the message server for this long: no caller reaches this node. */
  messagesCutOffMs: 750,
  /** How often a node asks the message server. */
  messagesLookEveryMs: 250,
  /** What a look for an event's owner found is told again this long without another look. */
  ownerToldMs: 100,
  movedRetriesMax: 3,
  movedBackoffMs: [20, 50, 100],

  // Asking an event's owner
  inventoryMessageCommandsMax: 512,
  /** Of a message's commands, and of the replies they may bring. */
  inventoryMessageBytesMax: 800_000,
  inventoryInFlightPerEventMax: 4_096,
  inventoryInFlightMax: 16_384,
  /** An owner that has not answered for this long is reported to the next node. */
  inventorySilenceMs: 800,
  knownOwnersMax: 10_000,

  // Waits, each shorter than the one above it
  failoverMs: 30_000,
  httpTimeoutMs: 3_000,
  callTimeoutMs: 2_500,
  databaseTimeoutMs: 2_500,
  queueWaitMs: 500,
  longPollMaxSeconds: 20,
  drainMs: 20_000,
  /** At start, for servers that are not there yet. */
  startWaitMs: 30_000,

  // Views
  deltaEveryMs: 100,
  versionRepeatMs: 1_000,
  viewSilenceMs: 2_000,
  streamHeartbeatMs: 15_000,
  /** Views a gateway keeps; the one read longest ago goes first, unless a stream needs it. */
  viewsMax: 1_000,
  streamsPerNodeMax: 20_000,
  /** Deltas kept for `Last-Event-ID`, per event. */
  streamResumeDeltas: 300,
  /** Places named by the deltas that are kept; a step with more is told as a snapshot. */
  streamResumeChangesMax: 20_000,
  /** A reader that has fallen this far behind is disconnected. */
  streamBehindBytesMax: 1_000_000,
  natsMessageBytesMax: 1_000_000,

  // Bookings
  stepRetryMs: 15_000,
  /** A step begins with at least this much of its booking's time left; longer than any call. */
  stepLeaseMinMs: 12_000,
  dueSweepEveryMs: 1_000,
  outboxSweepEveryMs: 1_000,
  /** First and longest wait before a step whose outcome is unknown or still open is done again. */
  stepBackoffMinMs: 500,
  stepBackoffMaxMs: 15_000,
  /** Steps of one booking in one go; more is a defect, the due sweep goes on. */
  flowStepsMax: 40,
  /** Most of them wait for the payment provider, seconds at a time. */
  flowsAtOnceMax: 2_048,
  flowsWaitingMax: 5_000,
  longPollWaitersMax: 20_000,
  /** A sweep over an event's bookings: at a time, beside so many flows, before the next one's turn. */
  sweepBatchMax: 100,
  sweepFlowsMax: 256,
  sweepTurnMs: 5_000,
  /** Longest wait between two rounds of a sweep. */
  sweepRoundMaxMs: 60_000,
  /** After this no checkout uses what the catalogue said of an event before. */
  eventInfoOldMs: 15_000,
  /** A buyer who pays an instalment has this long for what the bank asks. */
  instalmentPayMs: 30 * 60_000,
  /** So long before an instalment is charged its buyer is told. */
  instalmentNoticeMs: 3 * 24 * 3_600_000,
  /** Refunds that the provider fails before a person must look. */
  refundsFailedMax: 3,
  /** Reconciliation touches nothing younger: a flow that runs is never hit. */
  reconcileSafeAgeMs: 10 * 60_000,
  /** How far back the nightly reconciliation looks. */
  reconcileDeepMs: 40 * 24 * 3_600_000,
  outboxAtOnceMax: 2_048,
  /** Messages that are handed over, or looked up about, with one call. */
  messagesPerCallMax: 256,
  /** Deliveries before a message is kept as failed; the waits double up to five minutes. */
  outboxTriesMax: 20,
  outboxBackoffMaxMs: 5 * 60_000,
  idempotencyTtlMs: 24 * 3_600_000,
  /** A run that has not ended by then has crashed: the next request runs anew. */
  idempotencyLockMs: 15_000,
  idempotencyPollMs: 100,
  attendeesMax: 100,

  // Packages
  packageEventsMin: 2,
  packageEventsMax: 10,
  bundlesAtOnceMax: 512,
  /** All events of a bundle are held one after the other within this time. */
  bundleHoldMs: 10_000,

  // HTTP
  bodyBytesMax: 100_000,
  /** Charts are the one large upload. */
  chartBodyBytesMax: 25_000_000,
  pageItemsMax: 100,
  pageItemsDefault: 20,
  idempotencyKeyCharsMax: 255,
  requestIdCharsMax: 128,
  /** Bytes of a refused body that are read and dropped so that the answer arrives; then a cut. */
  refusedBodyBytesMax: 5_000_000,
  /** Answers from this size on are compressed. */
  compressFromBytes: 2_048,
  /** Encoded immutable answers (charts) a gateway keeps. */
  immutableCacheBytesMax: 64_000_000,
  httpConnectionsMax: 20_000,
  httpInFlightMax: 10_000,
  /** Requests that are let in whatever the rate of answers was, while the gateway has time. */
  httpInFlightMin: 512,
  /** Requests that are let in while refusing others takes all the time there is. */
  httpInFlightFloor: 32,
  /** Beyond these, no more requests than are answered in this time. */
  httpQueueWaitMs: 50,
  httpHeadersTimeoutMs: 10_000,
  /** A whole request with its body; a chart over a slow line fits. */
  httpReceiveTimeoutMs: 60_000,
  httpKeepAliveMs: 65_000,

  // Accounts
  /** People of one organizer. */
  staffMax: 500,
  accessTokenTtlMs: 15 * 60_000,
  refreshTokenTtlMs: 30 * 24 * 3_600_000,
  passwordCharsMin: 8,
  passwordCharsMax: 200,
  /** Hashes worked on at a time: the rest of the process keeps its cores and thread pool. */
  passwordHashesRunning: 2,
  passwordHashesWaiting: 64,
  tokenCacheMax: 50_000,
  /** An unknown signing key is asked for at most this often. */
  jwksRefreshMs: 5_000,
  /** Used refresh tokens of a session that are recognised as used. */
  refreshTokensRemembered: 50,
} as const;

export type Limits = {
  readonly [K in keyof typeof limits]: (typeof limits)[K] extends number
    ? number
    : readonly number[];
};

/**
 * The relations that must hold between limits, as sentences. Answers the broken ones (empty when
 * all hold), so that start-up can list every problem at once.
 */
export function brokenRelations(l: Limits): string[] {
  const rules: ReadonlyArray<readonly [boolean, string]> = [
    [l.holdPinMs <= l.holdLifeMs, 'holdPinMs must not exceed holdLifeMs'],
    [l.holdTtlMs <= l.holdLifeMs, 'holdTtlMs must not exceed holdLifeMs'],
    [l.stepBackoffMaxMs < l.holdExtendBeforeMs, 'a hold is looked at before its end'],
    [l.failoverMs < l.holdTtlMs, 'failoverMs must be below holdTtlMs'],
    [l.httpTimeoutMs < l.failoverMs, 'httpTimeoutMs must be below failoverMs'],
    [l.httpHeadersTimeoutMs < l.httpReceiveTimeoutMs, 'headers must come before bodies'],
    [l.httpInFlightFloor <= l.httpInFlightMin, 'httpInFlightFloor must not exceed the least'],
    [l.httpInFlightMax <= l.httpConnectionsMax, 'httpInFlightMax must not exceed the connections'],
    [l.httpQueueWaitMs < l.queueWaitMs, 'httpQueueWaitMs must be below queueWaitMs'],
    [l.callTimeoutMs < l.httpTimeoutMs, 'callTimeoutMs must be below httpTimeoutMs'],
    [l.databaseTimeoutMs <= l.callTimeoutMs, 'databaseTimeoutMs must not exceed callTimeoutMs'],
    [l.queueWaitMs < l.callTimeoutMs, 'queueWaitMs must be below callTimeoutMs'],
    [l.heartbeatEveryMs * 3 <= l.heartbeatDeadMs, 'heartbeatDeadMs must allow three heartbeats'],
    [l.messagesLookEveryMs * 3 <= l.messagesCutOffMs, 'messagesCutOffMs must allow three looks'],
    [l.heartbeatEveryMs <= l.messagesCutOffMs, 'others must learn of it before events are given'],
    [l.heartbeatDeadMs < l.databaseCutOffMs, 'heartbeatDeadMs must be below databaseCutOffMs'],
    [l.batchCommandsMax <= l.mailboxCommandsMax, 'a batch must fit the mailbox'],
    [l.batchBytesMax <= l.mailboxBytesMax, "a batch's bytes must fit the mailbox"],
    [l.batchBytesMax < l.entryBytesMax, 'batchBytesMax must be below entryBytesMax'],
    [l.entryBytesMax < 16_000_000, "entryBytesMax must stay below MongoDB's 16 MB"],
    [l.layoutPackedBytesMax < l.natsMessageBytesMax, 'a layout must fit one NATS message'],
    [l.inventoryMessageBytesMax < l.natsMessageBytesMax, 'commands must fit one NATS message'],
    [l.inventoryInFlightPerEventMax <= l.mailboxCommandsMax, 'one client must fit a mailbox'],
    [l.inventoryInFlightPerEventMax < l.inventoryInFlightMax, 'one event must not take all'],
    [
      l.inventorySilenceMs * 2 > l.heartbeatDeadMs && l.inventorySilenceMs * 3 < l.callTimeoutMs,
      'a dead owner must be found out at the third silence, within one call',
    ],
    [l.movedBackoffMs.length === l.movedRetriesMax, 'one back-off for every moved retry'],
    [l.versionRepeatMs < l.viewSilenceMs, 'versionRepeatMs must be below viewSilenceMs'],
    [l.sweepTurnMs < l.stepRetryMs, 'sweepTurnMs must be below stepRetryMs'],
    [l.sweepFlowsMax < l.flowsAtOnceMax, 'a sweep must leave room for other flows'],
    [l.stepBackoffMaxMs <= l.stepRetryMs, 'stepBackoffMaxMs must not exceed stepRetryMs'],
    [l.ticketsPerBuyerAndEvent <= l.reservePlacesMax, 'a request must allow a full order'],
    [l.stepLeaseMinMs <= l.stepRetryMs, 'stepLeaseMinMs must not exceed stepRetryMs'],
    [l.callTimeoutMs < l.stepLeaseMinMs, 'a step must outlive its calls'],
    [l.callTimeoutMs < l.idempotencyLockMs, 'a lock must outlive the request that holds it'],
    [l.bundleHoldMs < l.idempotencyLockMs, 'a lock must outlive the holding of a bundle'],
    [l.compactionSparesMs <= l.keysKeptAfterEndMs, 'keys must outlive bodies'],
  ];
  return rules.filter(([holds]) => !holds).map(([, sentence]) => sentence);
}
