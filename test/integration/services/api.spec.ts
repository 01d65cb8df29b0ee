import { Agent, createServer, get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { request } from 'undici';
import { registerStream } from '#broker/streams.ts';
import { startBroker, testNamespace } from '#test/support/broker.ts';
import {
  startGateway as start,
  type TestGateway,
  type TestGatewayOptions,
} from '#test/support/gateway.ts';
import { describeWith, natsUrl } from '#test/support/servers.ts';
import { authenticateToy, toyService, toysContract } from '#test/support/toys.ts';

const toys = { contracts: [toysContract], authenticate: authenticateToy };

const started: TestGateway[] = [];
const startGateway = async (options: Omit<TestGatewayOptions, keyof typeof toys>) => {
  const gateway = await start({ ...toys, ...options });
  started.push(gateway);
  return gateway;
};
afterAll(() => Promise.all(started.map(({ broker }) => broker.stop())));

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describeWith(['nats-server'], 'a gateway whose services run on another node', () => {
  let gateway: TestGateway;
  let core: ServiceBroker;

  beforeAll(async () => {
    const shared = { namespace: testNamespace(), natsUrl: natsUrl() };
    core = await startBroker({ ...shared, services: [toyService()], contracts: [toysContract] });
    gateway = await startGateway({ ...shared, services: [] });
    await gateway.broker.waitForServices('toys', 5_000, 20);
  });
  afterAll(() => core?.stop());

  const post = (path: string, body: object): Promise<Response> =>
    fetch(gateway.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: {
        'content-type': 'application/json',
        authorization: 'Bearer buyer',
        'idempotency-key': 'k',
        'x-request-id': 'r-1',
      },
    });

  it('passes caller and key on, and gets status and headers back', async () => {
    const answer = await post('/v1/toys', { name: 'Ted' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/v1/toys/1');
    expect(await answer.json()).toEqual({ id: '1', name: 'Ted of usr_buyer by k' });
  });

  it("keeps an error's code and data, and shows no stack", async () => {
    const answer = await post('/v1/fail', { code: 'seats-unavailable' });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ code: 'seats-unavailable', seats: ['A-1'] });
    const crash = await post('/v1/fail', { code: 'crash' });
    const text = await crash.text();
    expect(crash.status).toBe(500);
    expect(text).not.toMatch(/secret| at /);
  });

  it('says that the outcome is unknown when the node is lost in between', async () => {
    const namespace = testNamespace();
    const shared = { namespace, natsUrl: natsUrl() };
    const doomed = await startBroker({
      ...shared,
      services: [toyService()],
      contracts: [toysContract],
    });
    const alone = await startGateway({ ...shared, services: [] });
    await alone.broker.waitForServices('toys', 5_000, 20);
    const headers = { 'content-type': 'application/json' };
    const asking = fetch(`${alone.url}/v1/slow`, { method: 'POST', headers, body: '{"ms":1000}' });
    await pause(50);
    await doomed.transit?.disconnect();
    expect(((await (await asking).json()) as { code: string }).code).toBe('outcome-unknown');
    const later = await fetch(`${alone.url}/v1/toys/1`);
    expect(later.status).toBe(503);
    expect(later.headers.get('retry-after')).toBe('1');
    await doomed.stop();
  }, 20_000);
});

describe('a gateway that is stopped', () => {
  it('finishes the requests it has, takes no new ones and closes idle connections', async () => {
    const gateway = await startGateway({ services: [toyService()] });
    const agent = new Agent({ keepAlive: true });
    const ask = (path: string): Promise<{ status: number; connection: string | undefined }> =>
      new Promise((resolve, reject) => {
        get(`${gateway.url}${path}`, { agent }, (response) => {
          const { statusCode = 0, headers } = response;
          response.resume().on('end', () => {
            resolve({ status: statusCode, connection: headers.connection });
          });
        }).on('error', reject);
      });
    await ask('/v1/toys/1');
    const running = [ask('/v1/patient?ms=600'), ask('/v1/patient?ms=600')];
    await pause(100);
    const begun = Date.now();
    const service = gateway.broker.getLocalService('api');
    const stopping = gateway.broker.destroyService(service);
    await pause(50);
    await expect(fetch(`${gateway.url}/v1/toys/1`)).rejects.toThrow();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    await stopping;
    expect(Date.now() - begun).toBeLessThan(2_000);
    await gateway.broker.stop();
    agent.destroy();
  });

  it('ends its streams', async () => {
    const gateway = await startGateway({ services: [toyService()] });
    registerStream(gateway.broker, 'toys.watch', ({ response, signal }) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(': here\n\n');
      signal.addEventListener('abort', () => response.end('event: bye\n\n'));
    });
    const stream = await fetch(`${gateway.url}/v1/toys/1/stream`);
    await gateway.broker.stop();
    expect(await stream.text()).toBe(': here\n\nevent: bye\n\n');
  });

  it('gives up requests that do not end in time', async () => {
    const limits = { drainMs: 200 };
    const gateway = await startGateway({ services: [toyService()], limits });
    const asking = fetch(`${gateway.url}/v1/patient?ms=1500`).then(
      () => 'answered',
      () => 'cut',
    );
    await pause(100);
    const begun = Date.now();
    await gateway.broker.destroyService(gateway.broker.getLocalService('api'));
    expect(Date.now() - begun).toBeLessThan(1_000);
    expect(await asking).toBe('cut');
  });
});

describe('a gateway under more than it takes', () => {
  const slow = (url: string, ms: number) =>
    fetch(`${url}/v1/slow`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ms }),
    });

  it('refuses changes at once with Retry-After, and goes on after it', async () => {
    const limits = { httpInFlightMax: 2 };
    const gateway = await startGateway({ services: [toyService()], limits });
    const running = [1, 2].map(() => slow(gateway.url, 300));
    await pause(50);
    const refused = await slow(gateway.url, 0);
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(((await refused.json()) as { code: string }).code).toBe('overloaded');
    for (const answer of await Promise.all(running)) expect(answer.status).toBe(200);
    expect((await slow(gateway.url, 0)).status).toBe(200);
  });

  it('answers reads while changes pile up, and takes long polls for what they are', async () => {
    const limits = { httpInFlightMax: 2 };
    const gateway = await startGateway({ services: [toyService()], limits });
    const polls = [1, 2, 3].map(() => fetch(`${gateway.url}/v1/patient?ms=300`));
    const running = [1, 2].map(() => slow(gateway.url, 300));
    await pause(50);
    expect((await fetch(`${gateway.url}/v1/toys/1`)).status).toBe(200);
    for (const answer of await Promise.all([...polls, ...running])) expect(answer.status).toBe(200);
  });
});

describe('a port that is taken', () => {
  it('makes the start fail', async () => {
    const other = createServer().listen(0);
    const { port } = other.address() as { port: number };
    await expect(startGateway({ services: [], port })).rejects.toThrow('EADDRINUSE');
    other.close();
  });
});

describe('the web application', () => {
  it('is served with headers that keep it to itself', async () => {
    const gateway = await startGateway({ services: [] });
    const page = await fetch(gateway.url);
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.headers.get('cache-control')).toBe('no-cache');
    // Not fetch: it asks for a fresh copy on its own.
    const headers = { 'if-none-match': page.headers.get('etag') ?? '' };
    expect((await request(gateway.url, { headers })).statusCode).toBe(304);
    for (const [, link] of (await page.text()).matchAll(/(?:src|href)="(\/[^"]+)"/g)) {
      expect((await fetch(gateway.url + link)).status).toBe(200);
    }
  });
});
