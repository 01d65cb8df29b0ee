import type { Clock } from '#adapters/clock/port.ts';
import type { NodeRow, Nodes } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

type MembersOptions = {
  readonly nodeId: string;
  readonly incarnation: string;
  readonly clock: Clock;
  readonly nodes: Nodes;
  readonly limits: Limits;
};

/** Another incarnation that was seen alive, and since when (monotonic ms). */
type Peer = { readonly incarnation: string; readonly since: number; readonly offering: boolean };

/** An anchor is taken from a heartbeat that was answered within twice this. */
const sharpMs = 100;

/**
 * What this node knows of time and of the other inventory nodes, all of it from its own heartbeat:
 * the server's clock, whether the database can be reached, who lives.
 */
export class Members {
  readonly #o: MembersOptions;
  /** Monotonic ms of the last acknowledged heartbeat, and of the first one of its gapless row. */
  #lastBeat = Number.NEGATIVE_INFINITY;
  #gaplessSince = Number.POSITIVE_INFINITY;
  /** server time = anchor + monotonic. */
  #anchor: number | undefined;
  #lastNow = 0;
  #skewMs = 0;
  #peers = new Map<string, Peer>();
  /** How often the database was reached again, and which of them `rechecked` has settled. */
  #returns = 0;
  #settledReturns = 0;

  constructor(options: MembersOptions) {
    this.#o = options;
  }

  /** Writes one heartbeat and looks at the others'. Rejects when the database does not answer. */
  async beat(offering: boolean): Promise<void> {
    const { clock, nodes, nodeId, incarnation, limits } = this.#o;
    const sentAt = clock.monotonic();
    const serverTime = await nodes.beat(nodeId, incarnation, offering);
    const ackedAt = clock.monotonic();
    if (this.cutOff) this.#returns++;
    if (ackedAt - this.#lastBeat > this.#gapMs) this.#gaplessSince = ackedAt;
    this.#lastBeat = ackedAt;
    const uncertainMs = (ackedAt - sentAt) / 2;
    // A slow answer says little about the time: the last good one is kept.
    if (this.#anchor === undefined || uncertainMs <= sharpMs) {
      this.#anchor = serverTime - (sentAt + ackedAt) / 2;
    }
    const offMs = Math.abs(clock.now() - (this.#anchor + clock.monotonic()));
    this.#skewMs = Math.max(0, offMs - uncertainMs);
    this.#notePeers(await nodes.all(), limits.heartbeatDeadMs);
  }

  /** Epoch ms by the database server's clock; never goes back. */
  serverNow(): number {
    const { clock } = this.#o;
    const estimate = this.#anchor === undefined ? clock.now() : this.#anchor + clock.monotonic();
    this.#lastNow = Math.max(this.#lastNow, Math.floor(estimate));
    return this.#lastNow;
  }

  /** No heartbeat could be written for 2 s: nothing may be served. */
  get cutOff(): boolean {
    return this.#o.clock.monotonic() - this.#lastBeat > this.#o.limits.databaseCutOffMs;
  }

  /** Number of the return from a cut-off after which ownership is not sure yet; 0: all is sure. */
  get unsettledReturn(): number {
    return this.#returns === this.#settledReturns ? 0 : this.#returns;
  }

  /** Every actor has asked the journal since that return. */
  rechecked(unsettledReturn: number): void {
    this.#settledReturns = Math.max(this.#settledReturns, unsettledReturn);
  }

  /** A node whose own clock is more than a second off may not own. */
  get clockIsRight(): boolean {
    return this.#skewMs <= this.#o.limits.clockSkewMaxMs;
  }

  /** Only who has itself beaten without a gap for long enough may call another dead. */
  get mayJudge(): boolean {
    const now = this.#o.clock.monotonic();
    const gapless = now - this.#gaplessSince >= this.#o.limits.heartbeatDeadMs;
    return gapless && now - this.#lastBeat <= this.#gapMs;
  }

  /** Nodes that take events, this one left out; each has been seen for as long as death takes. */
  settledPeers(): readonly string[] {
    const now = this.#o.clock.monotonic();
    return [...this.#peers]
      .filter(([, p]) => p.offering && now - p.since >= this.#o.limits.heartbeatDeadMs)
      .map(([nodeId]) => nodeId);
  }

  /**
   * Whether the node lives, by a fresh look at its heartbeat. `incarnation` undefined: any, but it
   * must be offering (an event was handed to it). This node's own other lives are dead. Who may not
   * judge says `true`.
   */
  async isAlive(nodeId: string, incarnation: string | undefined): Promise<boolean> {
    if (nodeId === this.#o.nodeId) return false;
    const rows = await this.#o.nodes.all();
    if (!this.mayJudge) return true;
    const row = rows.find((r) => r.nodeId === nodeId);
    if (row === undefined || row.ageMs > this.#o.limits.heartbeatDeadMs) return false;
    return incarnation === undefined ? row.offering : row.incarnation === incarnation;
  }

  /** All living nodes by a fresh look, `nodeId:incarnation`; undefined for who may not judge. */
  async living(): Promise<ReadonlySet<string> | undefined> {
    const rows = await this.#o.nodes.all();
    if (!this.mayJudge) return undefined;
    const alive = rows.filter((r) => r.ageMs <= this.#o.limits.heartbeatDeadMs);
    return new Set(alive.map((r) => `${r.nodeId}:${r.incarnation}`));
  }

  /** Takes this node's row away: others may claim at once. */
  async leave(): Promise<void> {
    await this.#o.nodes.remove(this.#o.nodeId, this.#o.incarnation);
  }

  #notePeers(rows: readonly NodeRow[], deadMs: number): void {
    const now = this.#o.clock.monotonic();
    const peers = new Map<string, Peer>();
    for (const row of rows) {
      if (row.nodeId === this.#o.nodeId || row.ageMs > deadMs) continue;
      const known = this.#peers.get(row.nodeId);
      const same = known?.incarnation === row.incarnation && known.offering === row.offering;
      peers.set(row.nodeId, same ? known : { ...row, since: now });
    }
    this.#peers = peers;
  }

  /** Longer between two acknowledged heartbeats is a gap. */
  get #gapMs(): number {
    return this.#o.limits.heartbeatEveryMs * 2;
  }
}
