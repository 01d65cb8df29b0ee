import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import {
  importKey,
  newKeyPair,
  type PublicJwk,
  publicJwkOf,
  signAccessToken,
} from '#adapters/tokens/access-token.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';
import { Authenticator } from '#mixins/authenticator.ts';

const claims = {
  userId: 'usr_1',
  roles: ['buyer'] as const,
  organizerIds: ['org_1'],
  sessionId: 'ses_1',
};

async function signer(kid: string) {
  const { publicJwk, privateJwk } = await newKeyPair();
  const privateKey = await importKey(privateJwk);
  return {
    jwk: publicJwkOf(kid, publicJwk),
    sign: (now = Date.now(), ttlMs = 900_000) =>
      signAccessToken({ kid, privateKey }, claims, now, ttlMs),
  };
}

/** An authenticator over a changeable set of keys, with counted fetches and a clock to move. */
function setup(jwks: PublicJwk[]) {
  const state = { jwks, fetches: 0, later: 0, down: false };
  const clock = {
    ...systemClock,
    now: () => Date.now() + state.later,
    monotonic: () => performance.now() + state.later,
  };
  const fetchKeys = async () => {
    state.fetches++;
    if (state.down) throw new Error('no accounts service');
    return state.jwks;
  };
  return { state, authenticator: new Authenticator(fetchKeys, clock, limits) };
}

const refused = { code: 'unauthenticated' };

describe('the authenticator', () => {
  it('knows the bearer of a good token and fetches the keys once', async () => {
    const { jwk, sign } = await signer('k1');
    const { state, authenticator } = setup([jwk]);
    const tokens = await Promise.all([sign(), sign(Date.now() - 5_000), sign()]);
    const callers = await Promise.all(tokens.map((token) => authenticator.authenticate(token)));
    const caller = { userId: 'usr_1', roles: ['buyer'], organizerIds: ['org_1'] };
    expect(callers).toEqual([caller, caller, caller]);
    expect(state.fetches).toBe(1);
  });

  it('refuses a token of the same name signed with another key', async () => {
    const [good, forged] = await Promise.all([signer('k1'), signer('k1')]);
    const { authenticator } = setup([good.jwk]);
    await expect(authenticator.authenticate(await forged.sign())).rejects.toMatchObject(refused);
  });

  it('refuses an unsigned token and one signed with the public key as a secret', async () => {
    const { jwk } = await signer('k1');
    const { authenticator } = setup([jwk]);
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const payload = part({
      sub: 'usr_1',
      sid: 's',
      roles: ['admin'],
      organizerIds: [],
      iss: 'usher',
      aud: 'usher',
      exp: 9e9,
    });
    for (const alg of ['none', 'HS256']) {
      const head = part({ alg, kid: 'k1', typ: 'at+jwt' });
      const token = `${head}.${payload}.${alg === 'none' ? '' : 'c2lnbmF0dXJl'}`;
      await expect(authenticator.authenticate(token)).rejects.toMatchObject(refused);
    }
  });

  it('refuses a token when its time is over, also one it has seen good', async () => {
    const { jwk, sign } = await signer('k1');
    const { state, authenticator } = setup([jwk]);
    const token = await sign();
    await authenticator.authenticate(token);
    state.later = 901_000;
    await expect(authenticator.authenticate(token)).rejects.toMatchObject(refused);
    await expect(authenticator.authenticate(token)).rejects.toMatchObject(refused);
  });

  it.each(['', 'x', 'a.b.c', 'a'.repeat(10_000), '\u0000', '{}'])('refuses %p', async (token) => {
    const { jwk } = await signer('k1');
    await expect(setup([jwk]).authenticator.authenticate(token)).rejects.toMatchObject(refused);
  });

  it('asks for the keys again at an unknown one, but not more often than stated', async () => {
    const [first, second, forged] = await Promise.all(['k1', 'k2', 'k9'].map(signer));
    if (first === undefined || second === undefined || forged === undefined) throw new Error();
    const { state, authenticator } = setup([first.jwk]);
    await authenticator.authenticate(await first.sign());
    for (let i = 0; i < 20; i++) {
      await expect(authenticator.authenticate(await forged.sign())).rejects.toMatchObject(refused);
    }
    expect(state.fetches).toBe(1);
    state.jwks = [first.jwk, second.jwk];
    state.later = limits.jwksRefreshMs + 1;
    await expect(authenticator.authenticate(await second.sign())).resolves.toHaveProperty('userId');
    expect(state.fetches).toBe(2);
  });

  it('says unavailable, not unauthenticated, while it has no keys; then recovers', async () => {
    const { jwk, sign } = await signer('k1');
    const { state, authenticator } = setup([jwk]);
    const token = await sign();
    state.down = true;
    const error = await authenticator.authenticate(token).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UsherError);
    expect(error).toMatchObject({ code: 'unavailable' });
    state.down = false;
    await expect(authenticator.authenticate(token)).resolves.toHaveProperty('userId');
  });

  it('answers for a token seen before in a few microseconds', async () => {
    const { jwk, sign } = await signer('k1');
    const { authenticator } = setup([jwk]);
    const token = await sign();
    await authenticator.authenticate(token);
    const times = 20_000;
    const start = performance.now();
    for (let i = 0; i < times; i++) await authenticator.authenticate(token);
    const eachMicros = ((performance.now() - start) * 1_000) / times;
    expect(eachMicros).toBeLessThan(50);
  });
});
