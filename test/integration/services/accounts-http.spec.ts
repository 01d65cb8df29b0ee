import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createApiService } from '#services/api.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { type Request, send } from '#test/support/http.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'accounts over HTTP', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let url: string;

  beforeAll(async () => {
    database = await testDatabase('accounts-http');
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock: systemClock, ids: systemIds };
    broker = await startBroker({
      services: [createAccountsService(runtime), createApiService(runtime)],
    });
    const api = broker.getLocalService('api') as unknown as { address(): { port: number } };
    url = `http://127.0.0.1:${api.address().port}`;
  }, 30_000);

  afterAll(async () => {
    await broker.stop();
    await database.drop();
  });

  const post = (path: string, body: unknown, request: Request = {}) =>
    send(url, 'POST', `/v1/auth/${path}`, { body, ...request });
  const ada = { email: 'ada@example.org', password: 'correct horse', name: 'Ada' };

  it('leads from sign-up over log-in and refresh to log-out', async () => {
    const signup = await post('signup', ada);
    expect(signup.status).toBe(201);
    expect(signup.headers.get('cache-control')).toBe('no-store');
    const login = await post('login', { email: ada.email, password: ada.password });
    expect(login.status).toBe(200);
    const { refreshToken } = login.body;
    const refreshed = await post('refresh', { refreshToken });
    expect(refreshed.status).toBe(200);
    const token = refreshed.body.accessToken;
    const mine = await send(url, 'GET', '/v1/account', { token });
    expect(mine.body).toEqual(signup.body.user);
    const renamed = await send(url, 'PATCH', '/v1/account', { token, body: { name: 'Ada L.' } });
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Ada L.' } });
    const out = await post('logout', { refreshToken: refreshed.body.refreshToken });
    expect([out.status, out.body]).toEqual([204, '']);
    const after = await post('refresh', { refreshToken: refreshed.body.refreshToken });
    expect([after.status, after.body.code]).toEqual([401, 'unauthenticated']);
  });

  it('takes an account only with a token that is good', async () => {
    const none = await send(url, 'GET', '/v1/account');
    expect([none.status, none.body.code]).toEqual([401, 'unauthenticated']);
    expect(none.headers.get('www-authenticate')).toMatch(/^Bearer/);
    for (const token of ['x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.']) {
      const bad = await send(url, 'GET', '/v1/account', { token });
      expect([bad.status, bad.body.code]).toEqual([401, 'unauthenticated']);
    }
    const basic = await send(url, 'GET', '/v1/account', {
      headers: { Authorization: 'Basic eA==' },
    });
    expect(basic.status).toBe(401);
  });

  it('never lets an operator object stand for a value', async () => {
    for (const body of [
      { email: { $ne: '' }, password: 'correct horse' },
      { email: ada.email, password: { $gt: '' } },
    ]) {
      const answer = await post('login', body);
      expect([answer.status, answer.body.code]).toEqual([422, 'invalid-request']);
    }
    const refresh = await post('refresh', { refreshToken: { $ne: null } });
    expect(refresh.status).toBe(422);
  });

  it.each([
    ['signup', { ...ada, email: 'x' }, 422, 'invalid-request'],
    ['signup', { ...ada, email: 'b@example.org', role: 'admin' }, 422, 'invalid-request'],
    ['signup', { ...ada, email: 'b@example.org', organizer: {} }, 422, 'invalid-request'],
    ['signup', ada, 409, 'email-taken'],
    ['login', {}, 422, 'invalid-request'],
    ['login', { email: ada.email, password: 'wrong horse' }, 401, 'invalid-credentials'],
    ['login', { email: 'nobody@example.org', password: 'x' }, 401, 'invalid-credentials'],
    ['login', '{"email":', 400, 'malformed-json'],
    ['login', { email: ada.email, password: 'x'.repeat(150_000) }, 413, 'body-too-large'],
    ['refresh', { refreshToken: 'x' }, 401, 'unauthenticated'],
    ['refresh', {}, 422, 'invalid-request'],
    ['nothing', {}, 404, 'not-found'],
  ])(
    'answers bad input of %s with the documented problem (%#)',
    async (path, body, status, code) => {
      const answer = await post(path, body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      expect(JSON.stringify(answer.body)).not.toContain('horse');
    },
  );

  it('refuses a storm of log-ins fast, and serves again afterwards', async () => {
    const start = performance.now();
    const asked = Array.from({ length: 200 }, () =>
      post('login', { email: ada.email, password: 'wrong horse' }),
    );
    const answers = await Promise.all(asked);
    expect(performance.now() - start).toBeLessThan(8_000);
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].sort()).toEqual([401, 503]);
    const refused = answers.find(({ status }) => status === 503);
    expect(refused?.body.code).toBe('overloaded');
    expect(refused?.headers.get('retry-after')).toBe('1');
    const { email, password } = ada;
    expect((await post('login', { email, password })).status).toBe(200);
  });
});
