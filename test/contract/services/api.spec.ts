import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { request as undici } from 'undici';
import { limits } from '#domain/limits.ts';
import { type Answer, asker, expectProblem } from '#test/support/answers.ts';
import { startGateway, type TestGateway } from '#test/support/gateway.ts';
import { authenticateToy, drawingsMade, toyService, toysContract } from '#test/support/toys.ts';

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

const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const asBuyer = { authorization: 'Bearer buyer' };
const withKey = { ...asBuyer, 'idempotency-key': 'k-1' };
describe('an operation', () => {
  it('gets its params from path and query', async () => {
    const answer = await ask('/v1/toys/b%C3%A4r?size=3');
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ id: 'bär', name: 'bear' });
    expect(answer.headers.get('cache-control')).toBe('public, max-age=5');
  });

  it('gets caller and idempotency key in meta, and answers its status and Location', async () => {
    const answer = await post('/v1/toys', { name: 'Ted' }, withKey);
    expect(answer.status).toBe(201);
    expect(answer.json.name).toBe('Ted of usr_buyer by k-1');
    expect(answer.headers.get('location')).toBe('/v1/toys/1');
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('answers 204 without a body', async () => {
    const headers = { authorization: 'Bearer organizer' };
    const answer = await ask('/v1/toys/1', { method: 'DELETE', headers });
    expect(answer).toMatchObject({ status: 204, text: '' });
  });

  it('answers 302 with its own Location, not that of a nested call', async () => {
    const answer = await ask('/v1/moved');
    expect(answer.status).toBe(302);
    expect(answer.headers.get('location')).toBe('/v1/large');
  });

  it('answers HEAD like GET without the body', async () => {
    const [head, get] = await Promise.all([
      ask('/v1/toys/1', { method: 'HEAD' }),
      ask('/v1/toys/1'),
    ]);
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers.get('content-length')).toBe(String(get.text.length));
  });

  it('answers 304 to a client that has the answer already', async () => {
    const first = await ask('/v1/toys/1');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).not.toBe('');
    const again = await ask('/v1/toys/1', { headers: { 'if-none-match': `"x", ${etag}` } });
    expect(again).toMatchObject({ status: 304, text: '' });
    expect(again.headers.get('etag')).toBe(etag);
    expect((await ask('/v1/toys/2', { headers: { 'if-none-match': etag } })).status).toBe(200);
  });

  it('sends a text under its own media type to those who may', async () => {
    const answer = await ask('/v1/page', { headers: { authorization: 'Bearer admin' } });
    expect(answer.text).toBe('plain text');
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });

  it('compresses large answers for those who take it', async () => {
    const headers = { 'accept-encoding': 'gzip' };
    const packed = await undici(`${gateway.url}/v1/large`, { headers });
    expect(packed.headers['content-encoding']).toBe('gzip');
    const bytes = Buffer.from(await packed.body.arrayBuffer());
    expect(bytes.length).toBeLessThan(1_000);
    expect(JSON.parse(gunzipSync(bytes).toString()).text).toHaveLength(50_000);

    const refused = { 'accept-encoding': 'br, gzip;q=0' };
    const plain = await undici(`${gateway.url}/v1/large`, { headers: refused });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(plain.headers.vary).toBe('Accept-Encoding');
    expect(await plain.body.json()).toHaveProperty('text');
  });

  it('that never changes its answer is called once for a crowd', async () => {
    const before = drawingsMade();
    const crowd = await Promise.all(Array.from({ length: 20 }, () => ask('/v1/drawings/a')));
    for (const answer of crowd) {
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({ id: 'a', lines: 'x'.repeat(20_000) });
      expect(answer.headers.get('cache-control')).toContain('immutable');
    }
    expect(drawingsMade()).toBe(before + 1);
    const refused = { 'accept-encoding': 'identity' };
    const plain = await undici(`${gateway.url}/v1/drawings/a`, { headers: refused });
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(await plain.body.json()).toEqual(crowd[0]?.json);
    const known = { 'if-none-match': crowd[0]?.headers.get('etag') ?? '' };
    expect((await ask('/v1/drawings/a', { headers: known })).status).toBe(304);
    expect((await ask('/v1/drawings/b')).json.id).toBe('b');
    for (const _ of [1, 2]) expectProblem(await ask('/v1/drawings/none'), 'not-found');
    expect(drawingsMade()).toBe(before + 4);
  });

  it('gets the raw body and the headers it names', async () => {
    const answer = await ask('/v1/hook', {
      method: 'POST',
      body: '{"a": 1 }',
      headers: { 'x-signature': 's', 'content-type': 'text/plain' },
    });
    expect(answer.json).toEqual({ body: '{"a": 1 }', headers: { 'x-signature': 's' } });
  });
});

describe('request ids', () => {
  it("keeps the client's and makes one where it is missing or unfit", async () => {
    const given = await ask('/v1/toys/1', { headers: { 'x-request-id': 'abc-1.2' } });
    expect(given.headers.get('x-request-id')).toBe('abc-1.2');
    for (const unfit of ['a b', 'x'.repeat(500), '<script>']) {
      const answer = await ask('/v1/toys/1', { headers: { 'x-request-id': unfit } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9A-Z]{26}$/);
    }
  });
});

describe('a refusal', () => {
  it('404: no such address', async () => {
    for (const path of ['/v1/nothing', '/v1/toys/%E0%A4%A/x', '/v1/toys/%zz', '//', '/v1']) {
      expectProblem(await ask(path), 'not-found');
    }
  });

  it('405: no such method, with Allow', async () => {
    const answer = await ask('/v1/toys/1', { method: 'PUT' });
    expectProblem(answer, 'method-not-allowed');
    expect(answer.headers.get('allow')).toBe('DELETE, GET, HEAD, OPTIONS');
  });

  it('401: no token, no bearer token, a token nobody has', async () => {
    for (const authorization of [undefined, 'Basic abc', 'Bearer', 'Bearer who', 'Bearer a b']) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const answer = await post('/v1/toys', { name: 'x' }, headers);
      expectProblem(answer, 'unauthenticated');
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
  });

  it('403: not the role', async () => {
    expectProblem(await ask('/v1/page', { headers: asBuyer }), 'forbidden');
    expectProblem(await ask('/v1/toys/1', { method: 'DELETE', headers: asBuyer }), 'forbidden');
  });

  it('a bad token is the same as none where anybody may call', async () => {
    const headers = { authorization: 'Bearer who' };
    expect((await ask('/v1/toys/1', { headers })).status).toBe(200);
  });

  it('400: an Idempotency-Key is required; 422: it is too long', async () => {
    expectProblem(await post('/v1/toys', { name: 'x' }, asBuyer), 'idempotency-key-required');
    const long = { ...asBuyer, 'idempotency-key': 'k'.repeat(limits.idempotencyKeyCharsMax + 1) };
    const answer = await post('/v1/toys', { name: 'x' }, long);
    expectProblem(answer, 'invalid-request');
    expect(answer.json.errors[0].path).toBe('Idempotency-Key');
  });

  it('400: malformed JSON and text that is not UTF-8', async () => {
    for (const body of ['{', '{"name":}', "{'name':1}", '{"name":"x"} x']) {
      expectProblem(await post('/v1/choose', body), 'malformed-json');
    }
    const answer = await ask('/v1/choose', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from([0x22, 0xff, 0xfe, 0x22]),
    });
    expectProblem(answer, 'malformed-json');
  });

  it('413: too large a body, announced or not, each by the limit of its operation', async () => {
    const large = JSON.stringify({ kind: 'x'.repeat(limits.bodyBytesMax) });
    expectProblem(await post('/v1/choose', large), 'body-too-large');
    const stream = new Blob([large]).stream();
    const chunked = await ask('/v1/choose', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expectProblem(chunked, 'body-too-large');
    const hook = await ask('/v1/hook', { method: 'POST', body: 'x'.repeat(51) });
    expectProblem(hook, 'body-too-large');
    expect(hook.json.bytesMax).toBe(50);
  });

  it('415: not JSON, not UTF-8, compressed', async () => {
    const body = '{"kind":"a","seats":["1"]}';
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx']) {
      expectProblem(
        await post('/v1/choose', body, { 'content-type': type }),
        'unsupported-media-type',
      );
    }
    const latin = { 'content-type': 'application/json; charset=latin1' };
    expectProblem(await post('/v1/choose', body, latin), 'unsupported-media-type');
    const packed = { 'content-encoding': 'gzip' };
    expectProblem(await post('/v1/choose', body, packed), 'unsupported-media-type');
    const plain = { 'content-type': 'application/json; charset=UTF-8' };
    expect((await post('/v1/choose', body, plain)).status).toBe(200);
  });

  it('422: names unknown fields, wrong types and the shape that was meant', async () => {
    const answer = await post('/v1/toys', { name: 1, parts: [1, 'x'], colour: 'red' }, withKey);
    expectProblem(answer, 'invalid-request');
    expect(answer.json.errors.map(({ path }: { path: string }) => path).sort()).toEqual([
      'colour',
      'name',
      'parts.1',
    ]);
    const shape = await post('/v1/choose', { kind: 'a', best: { quantity: 0, row: 1 } });
    expect(shape.json.errors.map(({ path }: { path: string }) => path)).toEqual([
      'best.quantity',
      'best.row',
    ]);
  });

  it('422: a body that is not an object', async () => {
    for (const body of ['[]', 'null', '1', '"text"', 'true']) {
      expectProblem(await post('/v1/choose', body), 'invalid-request');
    }
  });

  it('422: a field from the wrong place', async () => {
    for (const path of ['/v1/toys/1?id=2', '/v1/toys/1?colour=red', '/v1/toys/1?__proto__=1']) {
      expectProblem(await ask(path), 'invalid-request');
    }
    const query = await post('/v1/choose?kind=b', { kind: 'a', seats: ['1'] });
    expect(query.json.errors).toEqual([{ path: 'kind', message: 'unknown field' }]);
    const proto = await post('/v1/choose', '{"kind":"a","seats":["1"],"__proto__":{"x":1}}');
    expect(proto.json.errors).toEqual([{ path: '__proto__', message: 'unknown field' }]);
  });

  it('422: the same query field twice', async () => {
    expectProblem(await ask('/v1/toys/1?size=1&size=2'), 'invalid-request');
  });

  it("carries an error's own data beside the standard members", async () => {
    const answer = await post('/v1/fail', { code: 'seats-unavailable' });
    expectProblem(answer, 'seats-unavailable');
    expect(answer.json).toMatchObject({ seats: ['A-1'], detail: 'on purpose' });
  });

  it('5xx: without data, with Retry-After', async () => {
    for (const code of ['overloaded', 'unavailable', 'outcome-unknown', 'moving'] as const) {
      const answer = await post('/v1/fail', { code });
      expectProblem(answer, code);
      expect(answer.json.seats).toBeUndefined();
      expect(answer.headers.get('retry-after')).toBe('1');
    }
  });

  it('500: a crash says nothing of its cause', async () => {
    const answer = await post('/v1/fail', { code: 'crash' });
    expectProblem(answer, 'internal');
    expect(answer.text).not.toContain('secret');
  });

  it('codes between nodes are not shown', async () => {
    expectProblem(await post('/v1/fail', { code: 'moved' }), 'moving');
    expectProblem(await post('/v1/fail', { code: 'not-owner' }), 'moving');
  });

  it('a change without an answer in time has an unknown outcome', async () => {
    const begun = Date.now();
    expectProblem(await post('/v1/slow', { ms: 900 }), 'outcome-unknown');
    expect(Date.now() - begun).toBeLessThan(1_500);
  });
});
