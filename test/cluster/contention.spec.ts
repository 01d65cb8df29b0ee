import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Db } from 'mongodb';
import { Buyer, type ChartView, type Sale } from '#bench/onsale/buyer.ts';
import { Tally } from '#bench/onsale/tally.ts';
import { buyerTokens } from '#bench/path/buyers.ts';
import { HttpClient } from '#bench/support/http.ts';
import { expectStatus, seatGrid, stageEvent } from '#bench/support/organizer.ts';
import { inParallel } from '#bench/support/stats.ts';
import { type Cluster, startCluster } from '#ops/cluster/start-cluster.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const seats = 1_200;
const buyers = 500;
const habits = { abandon: 0.15, decline: 0.1, cancel: 0.1, best: 0.5, ticketsMax: 8 };

type Availability = {
  version: number;
  seats: string;
  counts: { available: number; reserved: number; sold: number; blocked: number };
};

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function until(what: string, seconds: number, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await sleep(250)) {
    if (await holds().catch(() => false)) return;
  }
  throw new Error(`Not so after ${seconds} s: ${what}`);
}

describeWith(
  ['mongod', 'nats-server'],
  'a contended sale on a cluster whose nodes are killed',
  () => {
    let database: TestDatabase;
    let db: Db;
    let cluster: Cluster;
    let http: HttpClient;
    let eventId: string;
    let sale: Sale;
    const tally = new Tally();

    const availability = async (): Promise<Availability> =>
      expectStatus(
        await http.send<Availability>('GET', `/v1/events/${eventId}/availability`),
        200,
        'read the availability',
      );

    const settled = async (): Promise<boolean> => {
      const final = [
        'confirmed',
        'expired',
        'cancelled',
        'refunded',
        'partially_refunded',
        'declined',
      ];
      return (await db.collection('bookings').countDocuments({ status: { $nin: final } })) === 0;
    };

    beforeAll(async () => {
      database = await testDatabase('contention');
      db = database.db;
      cluster = await startCluster({
        mongodbUri: database.uri,
        natsUrl: natsUrl(),
        namespace: `contention-${Date.now()}`,
        restart: true,
        env: { DEMO: 'false', LOG_LEVEL: 'error' },
      });
      http = new HttpClient(cluster.urls, 128);
      eventId = await stageEvent(http, { title: 'Contended', plan: seatGrid(seats) });
      const event = await http.send<{ chartVersion: number }>('GET', `/v1/events/${eventId}`);
      const path = `/v1/events/${eventId}/charts/${event.body.chartVersion}`;
      const chart = (await http.send<ChartView>('GET', path)).body;
      sale = { http, eventId, chart, habits, tally, until: Date.now() + 150_000 };
    }, 120_000);

    afterAll(async () => {
      await http?.close();
      await cluster?.stop();
      await database?.drop();
    }, 60_000);

    /** What must hold whenever everything is quiet, whatever was killed before. */
    async function everythingAddsUp(): Promise<void> {
      await until('every booking is final', 60, settled);
      const { findings } = await verifyEvent(db, eventId, { settled: true });
      expect(findings).toEqual([]);

      const { counts, seats: packed } = await availability();
      expect(counts.available + counts.reserved + counts.sold + counts.blocked).toBe(seats);
      const bits = Buffer.from(packed, 'base64');
      const tickets = await db.collection('tickets').find({ eventId, status: 'valid' }).toArray();
      const places = new Set(tickets.map((ticket) => Number(ticket.place)));
      expect(places.size).toBe(tickets.length);
      expect(counts.sold).toBe(tickets.length);
      for (const place of places)
        expect(((bits[place >> 2] ?? 0) >> (2 * (place % 4))) & 3).toBe(2);
    }

    /** Every confirmation a buyer was given is still one, unless it was cancelled by that buyer. */
    async function everyAnswerStillStands(): Promise<void> {
      const found = await db.collection('bookings').find({ eventId }).toArray();
      const statuses = new Map(found.map((b) => [String(b.bookingId ?? b._id), b.status]));
      const standing = [...tally.bookings.keys()].map((id) => String(statuses.get(id)));
      const kept = standing.filter((status) => status === 'confirmed').length;
      expect(standing.filter((s) => !['confirmed', 'cancelled', 'refunded'].includes(s))).toEqual(
        [],
      );
      expect(kept).toBe(tally.bookings.size - tally.of('cancelled'));
    }

    it('sells no seat twice while an inventory node and a gateway are killed', async () => {
      const tokens = await buyerTokens(cluster.mongodbUri, buyers);
      const crowd = inParallel(2 * buyers, 200, (i) =>
        new Buyer(sale, `buyer-${i}`, tokens[i % buyers] as string).play(),
      );
      await until('the sale is under way', 60, async () => tally.of('confirmed') >= 20);
      const row = await db
        .collection<{ _id: string; owner: string }>('inventories')
        .findOne({ _id: eventId });
      const killed = cluster.nodes.find(({ plan }) => plan.name === row?.owner);
      expect(killed?.plan.role).toBe('inventory');
      await cluster.kill(row?.owner ?? '', 'SIGKILL');
      const confirmedBefore = tally.of('confirmed');
      await until(
        'the sale goes on elsewhere',
        30,
        async () => tally.of('confirmed') > confirmedBefore,
      );
      await cluster.kill('gateway-2', 'SIGKILL');
      await sleep(2_000);
      await cluster.restart(row?.owner ?? '');
      await cluster.restart('gateway-2');
      await crowd;

      expect(tally.doubles).toEqual([]);
      expect(tally.of('confirmed')).toBeGreaterThan(100);
      // What was not refused was settled while the buyer watched.
      expect(tally.report(1)).not.toMatch(/booking unknown/);
      await everythingAddsUp();
      await everyAnswerStillStands();
    }, 240_000);

    it('holds the same after every node was killed and started again', async () => {
      const before = await availability();
      await Promise.all(cluster.nodes.map(({ plan }) => cluster.kill(plan.name, 'SIGKILL')));
      await Promise.all(cluster.nodes.map(({ plan }) => cluster.restart(plan.name)));
      await until('the event is served again', 30, async () => (await availability()).version > 0);
      const after = await availability();
      expect(after.counts.sold).toBe(before.counts.sold);
      await everythingAddsUp();
      await everyAnswerStillStands();
      const token = (await buyerTokens(cluster.mongodbUri, 1))[0] as string;
      const reserved = await http.send('POST', '/v1/reserve', {
        token,
        idempotencyKey: 'after-the-restart',
        body: { eventId, best: { quantity: 1 } },
      });
      expect([200, 409]).toContain(reserved.status);
    }, 240_000);
  },
);
