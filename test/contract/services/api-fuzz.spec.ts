import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { request } from 'undici';
import { errorRegistry } from '#domain/errors.ts';
import { sendRaw, startGateway, type TestGateway } from '#test/support/gateway.ts';
import { authenticateToy, toyService, toysContract } from '#test/support/toys.ts';

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await startGateway({
    services: [toyService()],
    contracts: [toysContract],
    authenticate: authenticateToy,
  });
});
afterAll(() => gateway?.broker.stop());

/** No request, however odd, is our fault: below 500, and a refusal is a documented problem. */
async function expectNoFault(path: string, init: Parameters<typeof request>[1]): Promise<void> {
  const answer = await request(gateway.url + path, { ...init, bodyTimeout: 3_000 });
  const text = await answer.body.text();
  expect(answer.statusCode).toBeLessThan(500);
  if (answer.statusCode < 400 || init?.method === 'HEAD') return;
  const problem = JSON.parse(text);
  expect(Object.keys(errorRegistry)).toContain(problem.code);
  expect(problem.status).toBe(answer.statusCode);
}

const paths = ['/v1/toys', '/v1/toys/1', '/v1/choose', '/v1/hook', '/v1/page', '/v1/large'];
const path = fc.oneof(
  fc.constantFrom(...paths),
  fc.webPath(),
  fc.tuple(fc.constantFrom(...paths), fc.webQueryParameters()).map(([p, q]) => `${p}?${q}`),
  fc
    .array(fc.constantFrom('/', '..', '%', '%00', '%2e', '%zz', ':', '?', '&', '=', 'v1', 'toys'))
    .map((parts) => `/${parts.join('')}`),
);
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS');
const headers = fc.record(
  {
    authorization: fc.constantFrom('Bearer buyer', 'Bearer organizer', 'Bearer admin', 'Bearer x'),
    'idempotency-key': fc.constantFrom('k', ' ', 'é', 'k'.repeat(300)),
    'content-type': fc.constantFrom('application/json', 'text/plain', 'a', 'application/json;'),
    'content-encoding': fc.constantFrom('identity', 'gzip'),
    'if-none-match': fc.constantFrom('*', '"', 'W/', '""'),
    'accept-encoding': fc.constantFrom('gzip', 'br', '*', 'gzip;q=0'),
    'x-request-id': fc.constantFrom('ok', 'not ok', 'é'),
    origin: fc.constantFrom('null', 'https://a.example'),
  },
  { requiredKeys: [] },
);
const shape = fc.record(
  {
    name: fc.anything(),
    kind: fc.anything(),
    seats: fc.anything(),
    best: fc.anything(),
    parts: fc.anything(),
  },
  { requiredKeys: [] },
);
const asJson = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '{}';
  }
};
const body = fc.oneof(
  fc.json(),
  shape.map(asJson),
  fc.string(),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);

describe('odd requests', () => {
  it('never meet a fault of ours', async () => {
    await fc.assert(
      fc.asyncProperty(path, method, headers, body, async (p, m, h, b) => {
        const bodiless = m === 'GET' || m === 'HEAD' || m === 'OPTIONS';
        await expectNoFault(p, { method: m, headers: h, ...(bodiless ? {} : { body: b }) });
      }),
      { numRuns: 1_000, endOnFailure: true },
    );
  }, 60_000);

  it('are refused when they nest deeper than any contract', async () => {
    for (const deep of ['['.repeat(50_000), '{"a":'.repeat(15_000)]) {
      const closed = deep + (deep.startsWith('[') ? ']'.repeat(50_000) : `1${'}'.repeat(15_000)}`);
      for (const text of [deep, closed, `{"kind":${closed}}`.slice(0, 100_000)]) {
        const json = { 'content-type': 'application/json' };
        await expectNoFault('/v1/choose', { method: 'POST', headers: json, body: text });
      }
    }
  });

  it.each([
    'GET /v1/toys/1 HTTP/1.1\r\nConnection: close\r\n\r\n',
    'GET /v1/toys/1 HTTP/3.0\r\nHost: x\r\n\r\n',
    'GET http://[::bad/v1/toys/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'BREW /v1/toys HTTP/1.1\r\nHost: x\r\n\r\n',
    'PROPFIND /v1/toys HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'POST /v1/choose HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    'POST /v1/choose HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n',
    'POST /v1/choose HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'GET /v1/toys/\u0000 HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET /%2e%2e/%2e%2e/package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET /docs/assets/../package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'GET /docs/assets/..%2f..%2fzod/package.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  ])('%j is refused', async (text) => {
    const answer = await sendRaw(gateway.port, text, 3_000);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer).toContain('application/problem+json');
  });
});
