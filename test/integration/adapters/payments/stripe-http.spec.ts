import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { createStripe } from '#adapters/payments/stripe.ts';

type Handler = (response: http.ServerResponse, turn: number, socket: Socket) => void;

const intent = {
  id: 'pi_1',
  object: 'payment_intent',
  amount: 1_000,
  amount_received: 0,
  automatic_payment_methods: null,
  currency: 'eur',
  created: 1,
  last_payment_error: null,
  latest_charge: null,
  metadata: { bookingId: 'Zoë' },
  next_action: null,
  payment_method: null,
  status: 'requires_capture',
};

describe('the way to Stripe', () => {
  let server: http.Server;
  let handler: Handler;
  let turns: number;
  let sockets: number;
  let provider: ReturnType<typeof createStripe>;

  beforeEach(async () => {
    turns = 0;
    sockets = 0;
    server = http.createServer((request, response) => {
      request.resume().on('end', () => handler(response, ++turns, request.socket));
    });
    server.on('connection', () => sockets++);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const apiBase = `http://127.0.0.1:${port}`;
    const keys = { secretKey: 'sk_test_x', webhookSecret: 'whsec_x' };
    provider = createStripe({ ...keys, apiBase, clock: systemClock });
  });

  afterEach(async () => {
    provider.close();
    server.close();
    server.closeAllConnections();
  });

  const answer = (response: http.ServerResponse): void => {
    response.end(JSON.stringify(intent));
  };

  it('keeps its connections and uses them again', async () => {
    handler = (response) => setTimeout(() => answer(response), 50);
    const ask = () => Promise.all(Array.from({ length: 400 }, () => provider.retrieve('pi_1')));
    await ask();
    await systemClock.sleep(100);
    await ask();
    expect(turns).toBe(800);
    expect(sockets).toBe(400);
  });

  it('reads an answer that comes in parts, whatever letter they part', async () => {
    handler = (response) => {
      const whole = Buffer.from(JSON.stringify(intent));
      const cut = whole.indexOf('ë') + 1;
      response.write(whole.subarray(0, cut));
      setTimeout(() => response.end(whole.subarray(cut)), 30);
    };
    expect(await provider.retrieve('pi_1')).toMatchObject({ bookingId: 'Zoë' });
  });

  it('asks once more where the connection was closed without an answer', async () => {
    handler = (response, turn, socket) => (turn === 1 ? socket.destroy() : answer(response));
    expect(await provider.retrieve('pi_1')).toMatchObject({ intentId: 'pi_1' });
    expect(turns).toBe(2);
  });

  it('gives an answer that stays unfinished up at the time limit', async () => {
    handler = (response) => {
      response.writeHead(200, { 'content-length': 9_999 });
      const trickle = setInterval(() => response.write(' '), 500);
      response.on('close', () => clearInterval(trickle));
    };
    const begun = performance.now();
    await expect(provider.retrieve('pi_1')).rejects.toMatchObject({
      code: 'payment-provider-unavailable',
      message: expect.stringContaining('timeout'),
    });
    // Two tries of 4 s, and half a second between them.
    expect(performance.now() - begun).toBeLessThan(9_500);
  }, 15_000);

  it('does not hang on a provider that nobody can reach', async () => {
    handler = answer;
    server.close();
    server.closeAllConnections();
    await expect(provider.retrieve('pi_1')).rejects.toMatchObject({
      code: 'payment-provider-unavailable',
    });
  });

  it('ends what is under way when it is closed', async () => {
    handler = () => provider.close();
    await expect(provider.retrieve('pi_1')).rejects.toMatchObject({
      code: 'payment-provider-unavailable',
    });
  });
});
