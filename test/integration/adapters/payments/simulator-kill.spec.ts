import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import type { NewIntent, PaymentProvider } from '#adapters/payments/port.ts';
import { createStripe } from '#adapters/payments/stripe.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const script = fileURLToPath(new URL('./simulator-process.ts', import.meta.url));

type Known = { order: NewIntent; intentId?: string; status?: string };

describeWith(['mongod'], 'a simulator that is killed', () => {
  let database: TestDatabase;
  let child: ChildProcess;
  const delivered = new Map<string, number>();
  const hooks = http.createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const { id } = JSON.parse(body) as { id: string };
      delivered.set(id, (delivered.get(id) ?? 0) + 1);
      response.end();
    });
  });

  const start = async (): Promise<PaymentProvider> => {
    const webhookUrl = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/`;
    child = spawn(process.execPath, [script, database.uri, webhookUrl], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const apiBase = line.toString().trim();
    const secrets = { secretKey: 'sk_test_x', webhookSecret: 'whsec_test' };
    return createStripe({ ...secrets, apiBase, clock: systemClock });
  };

  beforeAll(async () => {
    database = await testDatabase('simulator-kill');
    await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    child.kill('SIGKILL');
    hooks.close().closeAllConnections();
    await database.drop();
  });

  it('has every answer it gave, and delivers every webhook it owed', async () => {
    const first = await start();
    const known: Known[] = [];
    let dead = false;
    const buyer = async () => {
      while (!dead) {
        const eventId = makeId('event', systemIds.ulid());
        const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
        const amount = { amount: 500, currency: 'EUR' };
        const entry: Known = {
          order: { eventId, bookingId, attempt: 1, buyerId: 'usr_x', amount },
        };
        known.push(entry);
        const { intentId } = await first.createIntent(entry.order);
        entry.intentId = intentId;
        const returnUrl = 'https://a.example/';
        const ask = { bookingId, attempt: 1, intentId, token: 'pm_card_visa', returnUrl };
        entry.status = (await first.confirm(ask)).status;
        entry.status = (await first.capture(intentId)).status;
      }
    };
    const buyers = Array.from({ length: 8 }, () => buyer().catch(() => undefined));
    await systemClock.sleep(1_000);
    child.kill('SIGKILL');
    await once(child, 'exit');
    dead = true;
    await Promise.all(buyers);
    first.close();

    const second = await start();
    const order = ['requires_payment_method', 'requires_capture', 'succeeded'];
    for (const { order: asked, intentId, status } of known) {
      const again = await second.createIntent(asked);
      if (intentId !== undefined) expect(again.intentId).toBe(intentId);
      if (intentId === undefined || status === undefined) continue;
      const now = (await second.retrieve(intentId)).status;
      expect(order.indexOf(now)).toBeGreaterThanOrEqual(order.indexOf(status));
    }
    expect(known.filter(({ status }) => status === 'succeeded').length).toBeGreaterThan(10);
    const events = database.db.collection<{ _id: string; kind: string; delivery: string }>(
      'stripe_simulator_objects',
    );
    const deadline = systemClock.now() + 10_000;
    while ((await events.countDocuments({ kind: 'event', delivery: 'pending' })) > 0) {
      if (systemClock.now() > deadline) throw new Error('Webhooks were left behind');
      await systemClock.sleep(50);
    }
    const owed = await events.find({ kind: 'event' }).toArray();
    expect(owed.filter(({ _id }) => !delivered.has(_id))).toEqual([]);
    second.close();
  }, 60_000);
});
