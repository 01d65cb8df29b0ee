import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerStream } from '#broker/streams.ts';
import { errorRegistry } from '#domain/errors.ts';
import { asker, expectProblem } from '#test/support/answers.ts';
import { sendRaw, startGateway, type TestGateway } from '#test/support/gateway.ts';
import { authenticateToy, toyService, toysContract } from '#test/support/toys.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({
    services: [toyService()],
    contracts: [toysContract],
    authenticate: authenticateToy,
    limits: { httpHeadersTimeoutMs: 500, httpReceiveTimeoutMs: 800 },
  });
});
afterAll(() => gateway?.broker.stop());

const ask = asker(() => gateway.url);

describe('what is not a readable request', () => {
  it('400: not HTTP at all', async () => {
    const answer = await sendRaw(gateway.port, 'HELLO\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 400 .*application\/problem\+json.*malformed-request/s);
  });

  it('431: too large headers', async () => {
    const headers = `X-Long: ${'x'.repeat(40_000)}\r\n`;
    const answer = await sendRaw(gateway.port, `GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 431 .*headers-too-large/s);
  });

  it('a body that stops half-way is given up', async () => {
    const head = 'POST /v1/choose HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    const begun = Date.now();
    const answer = await sendRaw(gateway.port, `${head}Content-Length: 100\r\n\r\n{"ki`, 9_000);
    expect(answer).toMatch(/^HTTP\/1.1 408 .*request-timeout/s);
    expect(Date.now() - begun).toBeLessThan(2_500);
  });
});

describe('browsers', () => {
  it('may call from other sites', async () => {
    const answer = await ask('/v1/toys/1', { headers: { origin: 'https://shop.example' } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toContain('X-Request-Id');
    const refused = await ask('/v1/nothing', { headers: { origin: 'https://shop.example' } });
    expect(refused.headers.get('access-control-allow-origin')).toBe('*');
  });

  it('are told beforehand what they may send', async () => {
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'idempotency-key',
    };
    const answer = await ask('/v1/toys', { method: 'OPTIONS', headers });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toContain('Idempotency-Key');
    expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
    expect(answer.headers.get('allow')).toBe('OPTIONS, POST');
  });
});

describe('a stream', () => {
  it('is written by the handler that is registered for its action', async () => {
    expectProblem(await ask('/v1/toys/7/stream'), 'unavailable');
    const stop = registerStream(gateway.broker, 'toys.watch', ({ params, response, request }) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      response.write(
        `id: ${request.headers['last-event-id']}\ndata: ${JSON.stringify(params)}\n\n`,
      );
      response.end();
    });
    const answer = await ask('/v1/toys/7/stream', { headers: { 'last-event-id': '12' } });
    stop();
    expect(answer.text).toBe('id: 12\ndata: {"id":"7"}\n\n');
    expect(answer.headers.get('x-request-id')).toMatch(/./);
    expectProblem(await ask(`/v1/toys/${'7'.repeat(40)}/stream`), 'invalid-request');
  });

  it('that fails before its head is a problem document', async () => {
    const stop = registerStream(gateway.broker, 'toys.watch', () => {
      throw new Error('secret');
    });
    const answer = await ask('/v1/toys/7/stream');
    stop();
    expectProblem(answer, 'internal');
  });
});

describe('explanations', () => {
  it('stand under the type of every problem', async () => {
    for (const code of Object.keys(errorRegistry)) {
      const answer = await ask(`/problems/${code}`);
      expect(answer.json).toMatchObject({ type: `/problems/${code}`, code });
    }
    expectProblem(await ask('/problems/nonsense'), 'not-found');
    expect((await ask('/problems')).json.items).toHaveLength(Object.keys(errorRegistry).length);
  });

  it('the page of the API and its scripts are served from here', async () => {
    const html = (await ask('/docs')).text;
    for (const [, link] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const answer = await ask(link ?? '');
      expect(answer.status).toBe(200);
      expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    }
    expect(html).not.toMatch(/https?:\/\//);
  });
});
