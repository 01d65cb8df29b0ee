import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { type BuyingCluster, startBuying } from '#test/support/buying.ts';
import { type Request, send } from '#test/support/http.ts';
import { describeWith, natsUrl, type TestDatabase, testDatabase } from '#test/support/servers.ts';
import { layoutOf, termsOf } from '#test/unit/domain/inventory/given.ts';

const layout = layoutOf(
  [
    { row: 'A', seats: 10 },
    { row: 'B', seats: 10, category: 1 },
  ],
  [{ id: 'floor', name: 'Floor', category: 2, count: 20 }],
);

describeWith(['mongod', 'nats-server'], 'reservations over HTTP, on a cluster', () => {
  let database: TestDatabase;
  let cluster: BuyingCluster;
  let ada: string;
  let bob: string;
  let eventId: string;

  beforeAll(async () => {
    database = await testDatabase('reservations');
    cluster = await startBuying(database.uri, natsUrl());
    ada = await cluster.buyer('ada');
    bob = await cluster.buyer('bob');
    eventId = await cluster.openEvent(termsOf(layout));
  }, 60_000);

  afterAll(async () => {
    await cluster.stop();
    await database.drop();
  }, 60_000);

  const ask = (method: string, path: string, request: Request = {}, gateway: 0 | 1 = 0) =>
    send(cluster.gateways[gateway], method, path, request);
  const reserve = (token: string, body: object, key: string = randomUUID(), gateway: 0 | 1 = 0) =>
    ask('POST', '/v1/reserve', { token, key, body }, gateway);
  const path = (id: string) => `/v1/reservations/${id}`;
  const freshEvent = (change: Parameters<typeof termsOf>[1] = {}) =>
    cluster.openEvent(termsOf(layout, change));

  it('holds chosen seats at their price, and shows the hold to its buyer', async () => {
    const before = Date.now();
    const { status, body } = await reserve(ada, { eventId, seats: ['A-1', 'A-2'] });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      eventId,
      status: 'held',
      seats: [
        { id: 'A-1', category: 'A', section: 'Stalls', row: 'A', number: '1' },
        { id: 'A-2' },
      ],
      price: {
        lines: [
          {
            category: 'A',
            quantity: 2,
            unit: { amount: 5000, currency: 'EUR' },
            amount: { amount: 10000, currency: 'EUR' },
          },
        ],
        total: { amount: 10000, currency: 'EUR' },
      },
    });
    expect(body.reservationId).toMatch(new RegExp(`^rsv_${eventId.slice(4)}[0-9A-Z]{26}$`));
    const leftMs = Date.parse(body.expiresAt) - before;
    expect(leftMs).toBeGreaterThan(590_000);
    expect(leftMs).toBeLessThan(610_000);
    const read = await ask('GET', path(body.reservationId), { token: ada }, 1);
    expect([read.status, read.body]).toEqual([200, body]);
    expect(read.headers.get('cache-control')).toBe('no-store');
  });

  it('holds the best seats side by side, and places of an area', async () => {
    const event = await freshEvent();
    const best = await reserve(ada, { eventId: event, best: { quantity: 3, category: 'A' } });
    const numbers = best.body.seats.map((seat: { number: string }) => Number(seat.number)).sort();
    expect([best.status, numbers[2] - numbers[0]]).toEqual([200, 2]);
    const area = await reserve(ada, { eventId: event, area: 'floor', quantity: 2 });
    expect(area.body.seats).toMatchObject([{ area: 'Floor' }, { area: 'Floor' }]);
    expect(area.body.price.total.amount).toBe(4000);
  });

  it('gives the first success again under the same key, on any gateway', async () => {
    const event = await freshEvent();
    const [body, key] = [{ eventId: event, seats: ['A-1'] }, randomUUID()];
    const first = await reserve(ada, body, key, 0);
    const again = await reserve(ada, body, key, 1);
    expect(again.body).toEqual(first.body);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('makes one hold of many simultaneous requests under one key', async () => {
    const event = await freshEvent();
    const key = randomUUID();
    const asked = Array.from({ length: 20 }, (_, i) =>
      reserve(ada, { eventId: event, best: { quantity: 2 } }, key, (i % 2) as 0 | 1),
    );
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(({ body }) => body.reservationId)).size).toBe(1);
    const view = await ask('GET', `/v1/events/${event}/availability`);
    expect(view.body.counts.reserved).toBe(2);
  });

  it('refuses another body under the same key; a key of another buyer is its own', async () => {
    const event = await freshEvent();
    const key = randomUUID();
    await reserve(ada, { eventId: event, seats: ['A-1'] }, key);
    const other = await reserve(ada, { eventId: event, seats: ['A-2'] }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency-key-reused']);
    expect((await reserve(bob, { eventId: event, seats: ['A-2'] }, key)).status).toBe(200);
  });

  it('names the seats that another buyer holds, and gives one seat to one of many', async () => {
    const event = await freshEvent();
    await reserve(ada, { eventId: event, seats: ['A-1', 'A-3'] });
    const taken = await reserve(bob, { eventId: event, seats: ['A-1', 'A-2', 'A-3'] });
    expect(taken).toMatchObject({
      status: 409,
      body: { code: 'seats-unavailable', seats: ['A-1', 'A-3'] },
    });
    expect(taken.headers.get('content-type')).toBe('application/problem+json');
    const rivals = await Promise.all(Array.from({ length: 6 }, () => cluster.buyer()));
    const fight = await Promise.all(
      rivals.map((token, i) =>
        reserve(token, { eventId: event, seats: ['B-5'] }, undefined, (i % 2) as 0 | 1),
      ),
    );
    expect(fight.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
  });

  it('refuses more than there is, and more than one buyer may take', async () => {
    const event = await freshEvent();
    const many = await reserve(ada, { eventId: event, area: 'floor', quantity: 9 });
    expect(many).toMatchObject({ status: 409, body: { code: 'limit-exceeded' } });
    const small = await cluster.openEvent(termsOf(layoutOf([{ row: 'A', seats: 2 }])));
    const none = await reserve(ada, { eventId: small, best: { quantity: 3 } });
    expect(none).toMatchObject({ status: 409, body: { code: 'sold-out' } });
    for (const seat of ['A-1', 'A-2']) await reserve(bob, { eventId: event, seats: [seat] });
    const third = await reserve(bob, { eventId: event, seats: ['A-3'] });
    expect(third).toMatchObject({ status: 409, body: { code: 'limit-exceeded' } });
  });

  it('refuses while the event is not on sale', async () => {
    const sale = { status: 'open', opensAt: Date.now() + 60_000, closesAt: null } as const;
    const event = await freshEvent({ sale });
    const early = await reserve(ada, { eventId: event, seats: ['A-1'] });
    expect(early).toMatchObject({ status: 409, body: { code: 'not-on-sale' } });
  });

  it('extends a hold, no further than its longest life', async () => {
    const event = await freshEvent();
    const { body: hold } = await reserve(ada, { eventId: event, seats: ['A-1'] });
    const extend = (key?: string) =>
      ask('PATCH', path(hold.reservationId), {
        token: ada,
        body: { extend: true },
        ...(key === undefined ? {} : { key }),
      });
    const first = await extend('one');
    expect(Date.parse(first.body.expiresAt)).toBeGreaterThan(Date.parse(hold.expiresAt));
    expect((await extend('one')).body.expiresAt).toBe(first.body.expiresAt);
    for (let i = 0; i < 3; i++) await extend();
    expect(await extend()).toMatchObject({ status: 409, body: { code: 'hold-not-extendable' } });
  });

  it('releases a hold as often as asked, and says afterwards that it was released', async () => {
    const event = await freshEvent();
    const { body: hold } = await reserve(ada, { eventId: event, seats: ['A-1'] });
    for (const gateway of [0, 1, 0] as const) {
      const released = await ask('DELETE', path(hold.reservationId), { token: ada }, gateway);
      expect([released.status, released.body]).toEqual([204, '']);
    }
    for (const [method, body] of [['GET'], ['PATCH', { extend: true }]] as const) {
      const request = { token: ada, ...(body === undefined ? {} : { body }) };
      const gone = await ask(method, path(hold.reservationId), request);
      expect(gone).toMatchObject({ status: 410, body: { code: 'reservation-released' } });
    }
    expect((await reserve(bob, { eventId: event, seats: ['A-1'] })).status).toBe(200);
  });

  it('frees an expired hold for others and says that it expired', async () => {
    const limits = { ticketsPerBuyer: 8, liveHoldsPerBuyer: 2, holdTtlMs: 300 };
    const event = await freshEvent({ limits });
    const { body: hold } = await reserve(ada, { eventId: event, seats: ['A-1'] });
    await systemClock.sleep(350);
    for (const [method, body] of [['GET'], ['PATCH', { extend: true }]] as const) {
      const request = { token: ada, ...(body === undefined ? {} : { body }) };
      const gone = await ask(method, path(hold.reservationId), request);
      expect(gone).toMatchObject({ status: 410, body: { code: 'reservation-expired' } });
    }
    expect((await reserve(bob, { eventId: event, seats: ['A-1'] })).status).toBe(200);
  });

  it("does not show, extend or release someone else's hold: it is not there", async () => {
    const event = await freshEvent();
    const { body: hold } = await reserve(ada, { eventId: event, seats: ['A-1'] });
    for (const [method, body] of [['GET'], ['PATCH', { extend: true }], ['DELETE']] as const) {
      const request = { token: bob, ...(body === undefined ? {} : { body }) };
      const other = await ask(method, path(hold.reservationId), request);
      expect(other).toMatchObject({ status: 404, body: { code: 'not-found' } });
    }
    expect((await ask('GET', path(hold.reservationId), { token: ada })).status).toBe(200);
  });

  it('keeps holds when their event moves to another node', async () => {
    const event = await freshEvent();
    const { body: hold } = await reserve(ada, { eventId: event, seats: ['A-1'] });
    const lists = await Promise.all(
      cluster.inventory.map(async (node) => ({
        node,
        list: (await node.call('inventory.list', {}, { nodeID: node.nodeID })) as {
          events: { eventId: string }[];
        },
      })),
    );
    const owner = lists.find(({ list }) => list.events.some((e) => e.eventId === event))?.node;
    await owner?.call('inventory.drain', {}, { nodeID: owner.nodeID, timeout: 20_000 });
    const read = await ask('GET', path(hold.reservationId), { token: ada });
    expect([read.status, read.body]).toEqual([200, hold]);
    const more = await reserve(ada, { eventId: event, seats: ['A-2'] }, undefined, 1);
    expect(more.status).toBe(200);
  });

  describe('bad input is answered with the documented problem', () => {
    const good = () => ({ eventId, seats: ['B-1'] });
    const unknownEvent = 'evt_01J00000000000000000000000';
    const cases: [string, number, string, () => unknown][] = [
      ['no fields', 422, 'invalid-request', () => ({})],
      ['an unknown field', 422, 'invalid-request', () => ({ ...good(), price: 1 })],
      ['two ways at once', 422, 'invalid-request', () => ({ ...good(), best: { quantity: 1 } })],
      ['a quantity beside seats', 422, 'invalid-request', () => ({ ...good(), quantity: 1 })],
      ['a seat twice', 422, 'invalid-request', () => ({ eventId, seats: ['B-1', 'B-1'] })],
      ['no seats', 422, 'invalid-request', () => ({ eventId, seats: [] })],
      ['numbers for seats', 422, 'invalid-request', () => ({ eventId, seats: [1] })],
      ['one text for seats', 422, 'invalid-request', () => ({ eventId, seats: 'B-1' })],
      ['too many seats', 422, 'invalid-request', () => ({ eventId, seats: Array(999).fill('x') })],
      ['an endless seat id', 422, 'invalid-request', () => ({ eventId, seats: ['x'.repeat(999)] })],
      ['quantity 0', 422, 'invalid-request', () => ({ eventId, best: { quantity: 0 } })],
      ['quantity 1.5', 422, 'invalid-request', () => ({ eventId, best: { quantity: 1.5 } })],
      ['quantity -1', 422, 'invalid-request', () => ({ eventId, area: 'floor', quantity: -1 })],
      ['quantity "2"', 422, 'invalid-request', () => ({ eventId, area: 'floor', quantity: '2' })],
      ['an id of another kind', 422, 'invalid-request', () => ({ eventId: 'ven_1', seats: ['x'] })],
      ['no object', 422, 'invalid-request', () => [1]],
      ['malformed JSON', 400, 'malformed-json', () => '{"eventId":'],
      ['a huge body', 413, 'body-too-large', () => ({ eventId, seats: ['x'.repeat(200_000)] })],
      ['an unknown event', 404, 'not-found', () => ({ eventId: unknownEvent, seats: ['B-1'] })],
    ];

    it.each(cases)('%s → %i %s', async (_what, status, code, body) => {
      const answer = await reserve(bob, body() as object);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(answer.body).toMatchObject({ status, requestId: expect.any(String) });
      expect(answer.body.stack).toBeUndefined();
    });

    it('a seat or an area that the chart does not have', async () => {
      const wants = [{ seats: ['Z-99'] }, { area: 'Z', quantity: 1 }];
      const asked = wants.map((want) => reserve(bob, { eventId, ...want }));
      const codes = (await Promise.all(asked)).map(({ status, body }) => [status, body.code]);
      expect(codes).toEqual([
        [422, 'invalid-request'],
        [422, 'invalid-request'],
      ]);
    });

    it('no key, no token, a forged token, another media type', async () => {
      const codes = await Promise.all([
        ask('POST', '/v1/reserve', { token: ada, body: good() }),
        ask('POST', '/v1/reserve', { key: 'k', body: good() }),
        ask('POST', '/v1/reserve', { token: `${ada}x`, key: 'k', body: good() }),
        ask('POST', '/v1/reserve', {
          token: ada,
          key: 'k',
          body: 'eventId=1',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
        }),
      ]);
      expect(codes.map(({ status, body }) => [status, body.code])).toEqual([
        [400, 'idempotency-key-required'],
        [401, 'unauthenticated'],
        [401, 'unauthenticated'],
        [415, 'unsupported-media-type'],
      ]);
    });

    it.each([
      ['a malformed id', 'rsv_1', 422],
      ['the id of another kind', 'evt_01J00000000000000000000000', 422],
      ['an unknown reservation', `rsv_${'0'.repeat(52)}`, 404],
    ])('%s', async (_what, id, status) => {
      for (const [method, body] of [['GET'], ['PATCH', { extend: true }], ['DELETE']] as const) {
        const request = { token: ada, ...(body === undefined ? {} : { body }) };
        expect((await ask(method, path(id), request)).status).toBe(status);
      }
    });

    it.each([{}, { extend: false }, { extend: 'true' }, { extend: true, minutes: 60 }])(
      'an extension that says %j',
      async (body) => {
        const answer = await ask('PATCH', path(`rsv_${'0'.repeat(52)}`), { token: ada, body });
        expect([answer.status, answer.body.code]).toEqual([422, 'invalid-request']);
      },
    );
  });
});
