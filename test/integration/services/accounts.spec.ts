import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { limits } from '#domain/limits.ts';
import { Authenticator } from '#mixins/authenticator.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'accounts on a real mongod', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let later = 0;
  const clock = { ...systemClock, now: () => Date.now() + later };
  const person = { password: 'correct horse', name: 'Ada' };

  beforeAll(async () => {
    database = await testDatabase('accounts');
    const config = testConfig({ mongodbUri: database.uri });
    const runtime = { config, clock, ids: systemIds };
    broker = await startBroker({ services: [createAccountsService(runtime)] });
  });

  afterAll(async () => {
    await broker.stop();
    await database.drop();
  });

  const signup = (email: string, more: object = {}) =>
    call(broker, 'accounts.signup', { email, ...person, ...more });
  const keys = async () => (await call(broker, 'accounts.jwks', {})).keys;

  it('signs up, and a gateway can tell from the token alone who bears it', async () => {
    const session = await signup('ada@example.org');
    expect(session.user).toMatchObject({ email: 'ada@example.org', roles: ['buyer'] });
    expect(session.expiresIn).toBe(900);
    const caller = await new Authenticator(keys, clock, limits).authenticate(session.accessToken);
    expect(caller).toEqual({ userId: session.user.userId, roles: ['buyer'], organizerIds: [] });
  });

  it('gives who signs up as organizer an organizer and the role', async () => {
    const { user, accessToken } = await signup('org@example.org', { organizer: { name: 'Hall' } });
    expect(user.roles).toEqual(['buyer', 'organizer']);
    expect(user.organizers).toMatchObject([{ name: 'Hall' }]);
    const caller = await new Authenticator(keys, clock, limits).authenticate(accessToken);
    expect(caller.organizerIds).toEqual([user.organizers[0]?.organizerId]);
  });

  it('keeps one account per address, however spelled, also when two ask at once', async () => {
    await signup('twice@example.org');
    await expect(signup(' Twice@Example.ORG ')).rejects.toMatchObject({ code: 'email-taken' });
    const both = await Promise.allSettled([signup('race@example.org'), signup('RACE@example.org')]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const refused = both.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'email-taken' });
  });

  it('logs in with the right password only, and does not tell who has an account', async () => {
    await signup('login@example.org');
    const login = (email: string, password: string) =>
      call(broker, 'accounts.login', { email, password });
    await expect(login('LOGIN@example.org', person.password)).resolves.toHaveProperty(
      'accessToken',
    );
    const wrong = await login('login@example.org', 'wrong horse').catch((e: unknown) => e);
    const nobody = await login('nobody@example.org', 'wrong horse').catch((e: unknown) => e);
    expect(wrong).toMatchObject({ code: 'invalid-credentials' });
    expect(nobody).toMatchObject({ code: 'invalid-credentials' });
    expect((wrong as Error).message).toBe((nobody as Error).message);
  });

  it('trades a refresh token once; shown again, it ends the session', async () => {
    const first = await signup('refresh@example.org');
    const refresh = (refreshToken: string) => call(broker, 'accounts.refresh', { refreshToken });
    const second = await refresh(first.refreshToken);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    const refused = { code: 'unauthenticated' };
    await expect(refresh(first.refreshToken)).rejects.toMatchObject(refused);
    await expect(refresh(second.refreshToken)).rejects.toMatchObject(refused);
  });

  it('lets only one of two simultaneous refreshes through, and then ends the session', async () => {
    const { refreshToken } = await signup('race2@example.org');
    const both = await Promise.allSettled(
      [1, 2].map(() => call(broker, 'accounts.refresh', { refreshToken })),
    );
    const won = both.filter((result) => result.status === 'fulfilled');
    expect(won).toHaveLength(1);
    await expect(
      call(broker, 'accounts.refresh', { refreshToken: won[0]?.value.refreshToken ?? '' }),
    ).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  it('ends a session at log-out, as often as asked', async () => {
    const { refreshToken } = await signup('out@example.org');
    await call(broker, 'accounts.logout', { refreshToken });
    await call(broker, 'accounts.logout', { refreshToken });
    await expect(call(broker, 'accounts.refresh', { refreshToken })).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('refuses an expired refresh token', async () => {
    const { refreshToken } = await signup('old@example.org');
    later = limits.refreshTokenTtlMs + 1_000;
    const refreshing = call(broker, 'accounts.refresh', { refreshToken });
    await expect(refreshing).rejects.toMatchObject({ code: 'unauthenticated' });
    later = 0;
  });

  it.each([
    ['an address that is none', { email: 'nobody' }],
    ['a short password', { password: 'short' }],
    ['a huge password', { password: 'x'.repeat(201) }],
    ['a role of its own choice', { roles: ['admin'] }],
    ['a number for a name', { name: 7 }],
  ])('refuses to sign up with %s', async (_what, bad) => {
    await expect(signup('bad@example.org', bad)).rejects.toMatchObject({ code: 'invalid-request' });
  });

  it.each(['', 'x', `${'0'.repeat(26)}.${'A'.repeat(43)}`, '../../etc/passwd', 'a'.repeat(200)])(
    'refuses the refresh token %p without a fault',
    async (refreshToken) => {
      const error = await call(broker, 'accounts.refresh', { refreshToken }).catch((e) => e);
      expect(['unauthenticated', 'invalid-request']).toContain(error.code);
    },
  );

  it('shows and renames the account of the caller only', async () => {
    const { user } = await signup('mine@example.org');
    const caller: Caller = { userId: user.userId, roles: ['buyer'], organizerIds: [] };
    const as = { meta: { caller } };
    await expect(call(broker, 'accounts.account', {}, as)).resolves.toEqual(user);
    await call(broker, 'accounts.update', { name: 'Ada L.' }, as);
    await expect(call(broker, 'accounts.account', {}, as)).resolves.toMatchObject({
      name: 'Ada L.',
    });
    await expect(call(broker, 'accounts.account', {})).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('stores neither passwords nor tokens', async () => {
    const { refreshToken, accessToken } = await signup('secret@example.org');
    const rows = await Promise.all(
      ['accounts', 'sessions'].map((name) => database.db.collection(name).find({}).toArray()),
    );
    const text = JSON.stringify(rows);
    expect(text).toContain('$argon2id$v=19$m=19456,t=2,p=1$');
    for (const secret of [person.password, accessToken, refreshToken, refreshToken.slice(27)]) {
      expect(text).not.toContain(secret);
    }
  });

  it('signs with one key however many nodes start at once', async () => {
    const other = await testDatabase('accounts-keys');
    const config = testConfig({ mongodbUri: other.uri });
    const runtime = { config, clock, ids: systemIds };
    const nodes = await Promise.all(
      [1, 2, 3].map(() => startBroker({ services: [createAccountsService(runtime)] })),
    );
    const kids = await Promise.all(
      nodes.map(async (node) => (await call(node, 'accounts.jwks', {})).keys.map(({ kid }) => kid)),
    );
    expect(new Set(kids.flat()).size).toBe(1);
    await Promise.all(nodes.map((node) => node.stop()));
    await other.drop();
  });
});
