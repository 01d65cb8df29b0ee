import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { EventSourceMessage } from 'eventsource-parser';
import { systemClock } from '#adapters/clock/system.ts';
import { limits } from '#domain/limits.ts';
import { type BuyingCluster, openStream, startBuying } from '#test/support/buying.ts';
import { send } from '#test/support/http.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

const layout = layoutOf(
  [{ row: 'A', seats: 6 }],
  [{ id: 'floor', name: 'Floor', category: 2, count: 3 }],
);
const unknownEvent = 'evt_01J00000000000000000000000';

describeWith(['mongod', 'nats-server'], 'availability over HTTP, on a cluster', () => {
  let database: TestDatabase;
  let cluster: BuyingCluster;
  let token: string;

  beforeAll(async () => {
    database = await testDatabase('availability');
    cluster = await startBuying(database.uri, natsUrl());
    token = await cluster.buyer();
  }, 60_000);

  afterAll(async () => {
    await cluster.stop();
    await database.drop();
  }, 60_000);

  const open = (change: Parameters<typeof termsOf>[1] = {}) =>
    cluster.openEvent(termsOf(layout, change));
  const viewPath = (eventId: string) => `/v1/events/${eventId}/availability`;
  const streamPath = (eventId: string) => `/v1/events/${eventId}/stream`;
  const view = (eventId: string, gateway: 0 | 1 = 0, headers: Record<string, string> = {}) =>
    send(cluster.gateways[gateway], 'GET', viewPath(eventId), { headers });
  const reserve = async (eventId: string, seats: readonly string[]) => {
    const request = { token, key: randomUUID(), body: { eventId, seats } };
    const answer = await send(cluster.gateways[0], 'POST', '/v1/reserve', request);
    return answer.body.reservationId as string;
  };
  const release = (id: string) =>
    send(cluster.gateways[1], 'DELETE', `/v1/reservations/${id}`, { token });
  /** The view of a gateway once it has at least this many places reserved. */
  const viewWith = async (eventId: string, reserved: number, gateway: 0 | 1) => {
    for (let i = 0; i < 300; i++) {
      const answer = await view(eventId, gateway);
      if (answer.body.counts.reserved === reserved) return answer;
      await systemClock.sleep(10);
    }
    throw new Error(`gateway ${gateway} never saw ${reserved} reserved`);
  };

  describe('the whole view', () => {
    it('shows every place at a version, fit for a CDN', async () => {
      const eventId = await open();
      const { status, body, headers } = await view(eventId);
      expect(status).toBe(200);
      expect(body).toEqual({
        version: expect.any(Number),
        chartVersion: 1,
        sale: 'open',
        counts: { available: 9, reserved: 0, sold: 0, blocked: 0 },
        seats: Buffer.from([0, 0, 0]).toString('base64'),
      });
      expect(headers.get('etag')).toBe(`"${body.version}"`);
      expect(headers.get('cache-control')).toMatch(/public, max-age=\d,/);
      expect(headers.get('content-type')).toMatch(/^application\/json/);
    });

    it('follows what is committed, on every gateway, in the same words', async () => {
      const eventId = await open();
      await Promise.all([view(eventId, 0), view(eventId, 1)]);
      await reserve(eventId, ['A-2', 'A-5']);
      const [first, second] = await Promise.all([viewWith(eventId, 2, 0), viewWith(eventId, 2, 1)]);
      expect(first.body).toEqual(second.body);
      expect([...Buffer.from(first.body.seats, 'base64')]).toEqual([1 << 2, 1, 0]);
      expect(first.body.counts).toEqual({ available: 7, reserved: 2, sold: 0, blocked: 0 });
    });

    it('answers 304 to who has the version, and 200 after a change', async () => {
      const eventId = await open();
      const first = await view(eventId);
      const etag = first.headers.get('etag') ?? '';
      const same = await view(eventId, 1, { 'If-None-Match': etag });
      expect([same.status, same.body, same.headers.get('etag')]).toEqual([304, '', etag]);
      await reserve(eventId, ['A-1']);
      await viewWith(eventId, 1, 1);
      expect((await view(eventId, 1, { 'If-None-Match': etag })).status).toBe(200);
    });

    it('is found again when nobody has spoken of the event for two seconds', async () => {
      const eventId = await open();
      await view(eventId);
      await systemClock.sleep(limits.viewSilenceMs + 500);
      expect((await view(eventId)).status).toBe(200);
    });

    it.each([
      ['an event that was never opened', unknownEvent, 404, 'not-found'],
      ['a malformed id', 'evt_1', 422, 'invalid-request'],
    ])('of %s is not there', async (_what, eventId, status, code) => {
      for (const path of [viewPath(eventId), streamPath(eventId)]) {
        const answer = await send(cluster.gateways[0], 'GET', path);
        expect([answer.status, answer.body.code]).toEqual([status, code]);
      }
      const query = await send(cluster.gateways[0], 'GET', `${viewPath(unknownEvent)}?all=1`);
      expect(query.status).toBe(422);
    });
  });

  describe('the stream', () => {
    const data = (event: EventSourceMessage) => JSON.parse(event.data);
    const isDeltaWith = (place: number, status: number) => (event: EventSourceMessage) =>
      event.event === 'delta' &&
      data(event).changes.some(([p, s]: [number, number]) => p === place && s === status);

    it('begins with a snapshot and tells every change under its version', async () => {
      const eventId = await open();
      const stream = await openStream(cluster.gateways[1], streamPath(eventId));
      expect(stream.status).toBe(200);
      expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/);
      const snapshot = await stream.waitFor(({ event }) => event === 'snapshot');
      expect(data(snapshot).counts.available).toBe(9);
      expect(snapshot.id).toBe(String(data(snapshot).version));
      const held = await reserve(eventId, ['A-3']);
      const taken = await stream.waitFor(isDeltaWith(2, 1));
      expect(data(taken).from).toBeLessThan(data(taken).version);
      expect(taken.id).toBe(String(data(taken).version));
      await release(held);
      const freed = await stream.waitFor(isDeltaWith(2, 0));
      expect(Number(freed.id)).toBeGreaterThan(Number(taken.id));
      stream.close();
    });

    it('tells when the sale is paused', async () => {
      const eventId = await open();
      const stream = await openStream(cluster.gateways[0], streamPath(eventId));
      await stream.waitFor(({ event }) => event === 'snapshot');
      const sale = { status: 'paused', opensAt: null, closesAt: null } as const;
      await cluster.changeTerms(eventId, 2, { ...termsOf(layout), layout: '', sale });
      const paused = await stream.waitFor(({ event }) => event === 'sale');
      expect(data(paused)).toMatchObject({ sale: 'paused' });
      stream.close();
    });

    it('resumes behind Last-Event-ID with what was missed, where it is still known', async () => {
      const eventId = await open();
      const watching = await openStream(cluster.gateways[0], streamPath(eventId));
      const { id = '' } = await watching.waitFor(({ event }) => event === 'snapshot');
      await reserve(eventId, ['A-1']);
      await watching.waitFor(isDeltaWith(0, 1));
      const again = await openStream(cluster.gateways[0], streamPath(eventId), {
        'Last-Event-ID': id,
      });
      await again.waitFor(isDeltaWith(0, 1));
      await again.waitFor(({ event }) => event === 'sale');
      expect(again.events.filter(({ event }) => event === 'snapshot')).toEqual([]);
      watching.close();
      again.close();
    });

    it.each(['0', '999999999', 'x', '-1', ''])(
      'begins with a snapshot at a Last-Event-ID of %p that leads nowhere',
      async (id) => {
        const eventId = await open();
        const headers = { 'Last-Event-ID': id };
        const stream = await openStream(cluster.gateways[1], streamPath(eventId), headers);
        const first = await stream.waitFor(() => true);
        expect(first.event).toBe('snapshot');
        stream.close();
      },
    );

    it('resumes on a gateway that has not seen the event before', async () => {
      const eventId = await open();
      const first = await openStream(cluster.gateways[0], streamPath(eventId));
      const { id = '' } = await first.waitFor(({ event }) => event === 'snapshot');
      first.close();
      await reserve(eventId, ['A-6']);
      const headers = { 'Last-Event-ID': id };
      const second = await openStream(cluster.gateways[1], streamPath(eventId), headers);
      const event = await second.waitFor(({ event: kind }) => kind === 'snapshot');
      expect(data(event).counts.reserved).toBe(1);
      second.close();
    });

    it('goes on when the event moves to another node', async () => {
      const eventId = await open();
      const stream = await openStream(cluster.gateways[0], streamPath(eventId));
      await stream.waitFor(({ event }) => event === 'snapshot');
      for (const node of cluster.inventory) {
        const list = (await node.call('inventory.list', {}, { nodeID: node.nodeID })) as {
          events: { eventId: string }[];
        };
        if (!list.events.some((event) => event.eventId === eventId)) continue;
        await node.call('inventory.drain', {}, { nodeID: node.nodeID, timeout: 20_000 });
        break;
      }
      await reserve(eventId, ['A-4']);
      const moved = await stream.waitFor(
        (event) =>
          isDeltaWith(3, 1)(event) ||
          (event.event === 'snapshot' && data(event).counts.reserved === 1),
        10_000,
      );
      expect(Number(moved.id)).toBeGreaterThan(0);
      const versions = stream.events.map(({ id }) => Number(id));
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
      stream.close();
    });
  });
});
