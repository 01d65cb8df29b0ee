import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '#adapters/clock/port.ts';
import { eventIdIn, type Glimpse, glimpse } from '#services/api/glimpse.ts';

/** Decides on a request that is seen whole; true: it was refused, and answered. */
export type Refuse = (seen: Glimpse, event: string | undefined, socket: Socket) => boolean;

/** Who asks again within this time of a refusal does not wait at all, and rests this long. */
const [soonMs, soonRestMs] = [50, 250] as const;
/** Rests end at these intervals. */
const wakeEveryMs = 10;

type Line = {
  /** Responses that have not ended. */
  running: number;
  /** The last request that Node's server saw. */
  last: IncomingMessage | undefined;
  /** Monotonic ms of the last refusal at the door. */
  refusedAt: number;
  /** False once something arrived that is not one whole request: from then on Node reads alone. */
  whole: boolean;
};

/**
 * Refuses requests before they are parsed. A connection that met a refusal is watched: as long as
 * each of its reads is exactly one request, and the last one is answered, a request that must be
 * refused gets its answer from here, for half of what a request costs in Node's HTTP server.
 * Everything else is handed to that server untouched. Where even that is too much, or the client
 * asks again at once, the connection is left unread for a while: who comes back before it was told
 * to waits for its answer.
 */
export class Door {
  readonly #refuse: Refuse;
  readonly #clock: Clock;
  readonly #restMs: () => number;
  readonly #resting: { readonly socket: Socket; readonly until: number }[] = [];
  readonly #lines = new WeakMap<Socket, Line>();
  #passing: string | undefined;

  /** `restMs`: how long a connection that was refused is not read. */
  constructor(refuse: Refuse, restMs: () => number, clock: Clock) {
    this.#refuse = refuse;
    this.#restMs = restMs;
    this.#clock = clock;
  }

  /** The event of the request that is being handed over right now, where it was seen. */
  get passing(): string | undefined {
    return this.#passing;
  }

  /** Watches a connection whose request is just refused. */
  watch(socket: Socket, response: ServerResponse): void {
    if (this.#lines.has(socket)) return;
    const line: Line = {
      running: 0,
      last: undefined,
      refusedAt: Number.NEGATIVE_INFINITY,
      whole: true,
    };
    const [hand, ...others] = socket.listeners('data');
    if (hand === undefined || others.length > 0) return;
    this.#lines.set(socket, line);
    this.begun(socket, response);
    const handOver = (bytes: Buffer): void => void hand.call(socket, bytes);
    // In this order: Node gives up reading the socket by itself when a listener comes.
    socket.on('data', (bytes: Buffer) => this.#read(socket, line, bytes, handOver));
    socket.removeListener('data', hand as (bytes: Buffer) => void);
  }

  /** To be told of every request. */
  begun(socket: Socket, response: ServerResponse): void {
    const line = this.#lines.get(socket);
    if (line === undefined) return;
    line.running++;
    line.last = response.req;
    response.once('close', () => line.running--);
  }

  #read(socket: Socket, line: Line, bytes: Buffer, handOver: (bytes: Buffer) => void): void {
    const seen =
      line.whole && line.running === 0 && line.last?.complete ? glimpse(bytes) : undefined;
    if (seen === undefined) {
      line.whole = false;
      handOver(bytes);
      return;
    }
    const event = eventIdIn(seen);
    if (this.#refuse(seen, event, socket)) {
      this.#rest(socket, line);
      return;
    }
    this.#passing = event;
    try {
      handOver(bytes);
    } finally {
      this.#passing = undefined;
    }
  }

  #rest(socket: Socket, line: Line): void {
    const now = this.#clock.monotonic();
    const restMs = Math.max(this.#restMs(), now - line.refusedAt < soonMs ? soonRestMs : 0);
    line.refusedAt = now;
    if (restMs === 0) return;
    socket.pause();
    this.#resting.push({ socket, until: now + restMs });
    if (this.#resting.length === 1) this.#wakeLater();
  }

  #wakeLater(): void {
    this.#clock.after(wakeEveryMs, () => {
      const now = this.#clock.monotonic();
      const due = this.#resting.findIndex(({ until }) => until > now);
      const awake = this.#resting.splice(0, due === -1 ? this.#resting.length : due);
      for (const { socket } of awake) socket.resume();
      if (this.#resting.length > 0) this.#wakeLater();
    });
  }
}
