import type { ServerResponse } from 'node:http';
import type { StreamRequest } from '#broker/streams.ts';
import type { Availability, Delta } from '#domain/availability.ts';
import { UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { shownAvailability } from '#mixins/views/availability-json.ts';
import type { ViewListener } from '#mixins/views/view-cache.ts';

const headers = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store, no-transform',
  // Proxies that collect answers would hold the events back.
  'X-Accel-Buffering': 'no',
} as const;

const heartbeat = Buffer.from(': heartbeat\n\n');
/** How long a browser waits before it connects again. */
const greeting = 'retry: 2000\n\n';

/** One server-sent event; `data` is one line of JSON. */
const frame = (event: string, version: number, data: string): Buffer =>
  Buffer.from(`id: ${version}\nevent: ${event}\ndata: ${data}\n\n`);

const snapshotFrame = (view: Availability): Buffer =>
  frame('snapshot', view.version, shownAvailability(view).json.toString());

function deltaFrame({ from, version, counts, changes }: Delta): Buffer {
  return frame('delta', version, JSON.stringify({ from, version, counts, changes }));
}

const saleFrame = ({ version, sale }: { version: number; sale: string }): Buffer =>
  frame('sale', version, JSON.stringify({ version, sale }));

/** The version a reconnecting browser has; undefined when it names none that can be read. */
export function lastEventId({ headers: sent }: StreamRequest['request']): number | undefined {
  const value = sent['last-event-id'];
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
}

/**
 * The open streams of a gateway. Every frame is made once, for all who watch the event. A reader
 * that does not keep up is disconnected: it comes back with `Last-Event-ID`.
 */
export class EventStreams implements ViewListener {
  readonly #limits: Limits;
  readonly #byEvent = new Map<string, Set<ServerResponse>>();
  #count = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Rejects with `overloaded` where there is no room for one more. */
  assertRoom(): void {
    if (this.#count >= this.#limits.streamsPerNodeMax) {
      throw new UsherError('overloaded', 'Too many open streams');
    }
  }

  get count(): number {
    return this.#count;
  }

  watched(): Iterable<string> {
    return [...this.#byEvent.keys()];
  }

  watches(eventId: string): boolean {
    return this.#byEvent.has(eventId);
  }

  /**
   * Starts a stream at `view`: with the deltas its reader has missed, else with a snapshot. Must be
   * called in the same turn in which `view` and `missed` were read, so that none is left out.
   */
  add(stream: StreamRequest, view: Availability, missed: readonly Delta[] | undefined): void {
    this.assertRoom();
    const { response, signal } = stream;
    if (signal.aborted) return;
    response.writeHead(200, headers);
    response.write(greeting);
    if (missed === undefined) response.write(snapshotFrame(view));
    else {
      for (const delta of missed) response.write(deltaFrame(delta));
      response.write(saleFrame(view));
    }
    const readers = this.#byEvent.get(view.eventId) ?? new Set();
    this.#byEvent.set(view.eventId, readers.add(response));
    this.#count++;
    signal.addEventListener('abort', () => this.#remove(view.eventId, response), { once: true });
  }

  changed(delta: Delta, before: Availability): void {
    const readers = this.#byEvent.get(delta.eventId);
    if (readers === undefined) return;
    const told = deltaFrame(delta);
    const frames = delta.sale === before.sale ? told : Buffer.concat([told, saleFrame(delta)]);
    for (const response of readers) this.#write(response, frames);
  }

  replaced(view: Availability): void {
    const readers = this.#byEvent.get(view.eventId);
    if (readers === undefined) return;
    const told = snapshotFrame(view);
    for (const response of readers) this.#write(response, told);
  }

  /** Keeps connections open and finds dead ones; to be called each `limits.streamHeartbeatMs`. */
  beat(): void {
    for (const readers of this.#byEvent.values()) {
      for (const response of readers) this.#write(response, heartbeat);
    }
  }

  close(): void {
    for (const [eventId, readers] of this.#byEvent) {
      for (const response of readers) this.#remove(eventId, response);
    }
  }

  #write(response: ServerResponse, bytes: Buffer): void {
    const behindBytes = response.writableLength;
    // The gateway hears of the end and aborts the stream's signal, which removes it here.
    if (behindBytes > this.#limits.streamBehindBytesMax) response.destroy();
    else response.write(bytes);
  }

  #remove(eventId: string, response: ServerResponse): void {
    const readers = this.#byEvent.get(eventId);
    if (readers?.delete(response) !== true) return;
    this.#count--;
    if (readers.size === 0) this.#byEvent.delete(eventId);
    response.end();
  }
}
