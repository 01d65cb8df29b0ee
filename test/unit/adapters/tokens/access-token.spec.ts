import { describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import {
  importKey,
  newKeyPair,
  publicJwkOf,
  signAccessToken,
  verifyAccessToken,
  verifyingKey,
} from '#adapters/tokens/access-token.ts';

const now = 1_800_000_000_000;
const claims = {
  userId: 'usr_1',
  roles: ['buyer', 'organizer'] as const,
  organizerIds: ['org_1'],
  sessionId: 'ses_1',
};

type Key = { readonly kid: string; readonly privateKey: CryptoKey };

async function keyFrom({ publicJwk, privateJwk }: { publicJwk: string; privateJwk: string }) {
  const jwk = publicJwkOf('k1', publicJwk);
  const key: Key = { kid: 'k1', privateKey: await importKey(privateJwk) };
  const known = verifyingKey(jwk);
  const verify = (token: string, at = now) =>
    verifyAccessToken(token, async (kid) => (kid === 'k1' ? known : undefined), at);
  return { jwk, key, verify };
}

const rsa = async () => keyFrom(await newKeyPair());

async function ed25519() {
  const pair = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return keyFrom({
    publicJwk: JSON.stringify(await exportJWK(pair.publicKey)),
    privateJwk: JSON.stringify(await exportJWK(pair.privateKey)),
  });
}

/** Signed well, with this instead of what a good token says. */
function forged(key: Key, payload: object, header: object = {}): Promise<string> {
  const good = {
    iss: 'usher',
    aud: 'usher',
    sub: 'usr_1',
    sid: 'ses_1',
    exp: now / 1_000 + 60,
    roles: ['buyer'],
    organizerIds: [],
  };
  return new SignJWT({ ...good, ...payload })
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', typ: 'at+jwt', ...header })
    .sign(key.privateKey, { crit: { x: true } });
}

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('access tokens', () => {
  it.each([
    ['RSA', 'RS256', rsa],
    ['Ed25519', 'EdDSA', ed25519],
  ])('are believed when signed with a known %s key', async (_, alg, make) => {
    const { jwk, key, verify } = await make();
    expect(jwk).toMatchObject({ kid: 'k1', alg, use: 'sig' });
    const token = await signAccessToken(key, claims, now, 60_000);
    await expect(verify(token)).resolves.toEqual({ claims, expiresAt: now + 60_000 });
    await expect(verify(token, now + 60_000)).rejects.toThrow();
  });

  it('show nothing private in their public key', async () => {
    const { jwk } = await rsa();
    expect(Object.keys(jwk).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });

  it('are refused with another payload, header or signature than was signed', async () => {
    const { key, verify } = await rsa();
    const token = await signAccessToken(key, claims, now, 60_000);
    const [head = '', body = '', signature = ''] = token.split('.');
    const read = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
    const changed = [
      `${head}.${part({ ...read, roles: ['admin'] })}.${signature}`,
      `${part({ alg: 'RS256', kid: 'k1', typ: 'at+jwt', x: 1 })}.${body}.${signature}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `${token}.`,
      `${head}.${body}.${Buffer.from(signature, 'base64url').reverse().toString('base64url')}`,
    ];
    for (const each of changed) await expect(verify(each)).rejects.toThrow();
  });

  it('must name the algorithm of their key', async () => {
    const [one, other] = await Promise.all([rsa(), ed25519()]);
    const signed = await signAccessToken(other.key, claims, now, 60_000);
    await expect(one.verify(signed)).rejects.toThrow();
    const [, body = '', signature = ''] = signed.split('.');
    const header = part({ alg: 'RS256', kid: 'k1', typ: 'at+jwt' });
    await expect(other.verify(`${header}.${body}.${signature}`)).rejects.toThrow();
  });

  it.each([
    ['another issuer', { iss: 'somebody' }, {}],
    ['another audience', { aud: 'usher-mail' }, {}],
    ['no subject', { sub: undefined }, {}],
    ['no session', { sid: undefined }, {}],
    ['no end', { exp: undefined }, {}],
    ['an end in the past', { exp: now / 1_000 }, {}],
    ['an end that is no number', { exp: '9999999999' }, {}],
    ['a role that does not exist', { roles: ['root'] }, {}],
    ['an unknown key', {}, { kid: 'k2' }],
    ['no key', {}, { kid: undefined }],
    ['the kind of another token', {}, { typ: 'JWT' }],
    ['an extension that must be understood', {}, { crit: ['x'], x: 1 }],
  ])('are refused with %s, signed well or not', async (_, payload, header) => {
    const { key, verify } = await rsa();
    await expect(verify(await forged(key, {}))).resolves.toHaveProperty('claims');
    await expect(verify(await forged(key, payload, header))).rejects.toThrow();
  });
});
