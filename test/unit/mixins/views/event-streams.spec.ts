import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Availability, Delta } from '#domain/availability.ts';
import { limits } from '#domain/limits.ts';
import { EventStreams } from '#mixins/views/event-streams.ts';

const counts = { available: 4, reserved: 0, sold: 0, blocked: 0 };
const view: Availability = {
  eventId: 'a',
  version: 1,
  chartVersion: 1,
  sale: 'open',
  counts,
  seats: new Uint8Array(1),
};
const delta = (from: number, version: number, changes: Delta['changes'] = []): Delta => ({
  eventId: 'a',
  from,
  version,
  sale: 'open',
  counts,
  changes,
});

/** Streams behind a bare HTTP server, as the gateway hands them over. */
describe('the open streams of a gateway', () => {
  let server: Server;
  let streams: EventStreams;
  let sockets: Socket[];

  beforeEach(async () => {
    streams = new EventStreams({ ...limits, streamsPerNodeMax: 2 });
    sockets = [];
    server = createServer((request: IncomingMessage, response: ServerResponse) => {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const { signal } = gone;
      streams.add({ params: {}, request, response, requestId: 'r', signal }, view, undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    streams.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  /** Connects; what it reads is collected, or nothing is read at all. */
  async function reader(reads: boolean): Promise<{ text: () => string; closed: Promise<unknown> }> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    socket.on('error', () => undefined);
    const closed = once(socket, 'close');
    let text = '';
    const before = streams.count;
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    if (reads) socket.on('data', (chunk) => (text += chunk));
    for (let i = 0; i < 200 && streams.count === before; i++) await tick();
    return { text: () => text, closed };
  }
  const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

  it('drop a reader that falls behind and serve the others', async () => {
    const [lazy, eager] = [await reader(false), await reader(true)];
    expect(streams.count).toBe(2);
    const changes = Array.from({ length: 20_000 }, (_, i): [number, number] => [i, 1]);
    let version = 1;
    for (; streams.count === 2 && version < 500; version++) {
      streams.changed(delta(version, version + 1, changes), view);
      await tick();
    }
    expect(streams.count).toBe(1);
    streams.changed(delta(version, 7_777), view);
    for (let i = 0; i < 200 && !eager.text().includes('id: 7777'); i++) await tick();
    expect(eager.text()).toContain('id: 7777\nevent: delta\n');
    expect(lazy.text()).toBe('');
  });

  it('are bounded', async () => {
    await reader(true);
    await reader(true);
    expect(() => streams.assertRoom()).toThrow(expect.objectContaining({ code: 'overloaded' }));
  });

  it('are counted off when their readers leave', async () => {
    await reader(true);
    sockets[0]?.destroy();
    for (let i = 0; i < 200 && streams.count > 0; i++) await tick();
    expect([streams.count, [...streams.watched()]]).toEqual([0, []]);
  });

  it('carry a heartbeat, and end in order when the gateway stops', async () => {
    const { text, closed } = await reader(true);
    streams.beat();
    streams.close();
    for (let i = 0; i < 200 && !text().endsWith('0\r\n\r\n'); i++) await tick();
    expect(text()).toContain(': heartbeat\n\n');
    expect(text()).toMatch(/0\r\n\r\n$/);
    sockets[0]?.end();
    await closed;
  });
});
