import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { AccountRole } from '#domain/account.ts';

/** What an access token says of its bearer. */
export type AccessClaims = {
  readonly userId: string;
  readonly roles: readonly AccountRole[];
  readonly organizerIds: readonly string[];
  readonly sessionId: string;
};

const issuer = 'usher';
const type = 'at+jwt';
const algorithm = 'EdDSA';

/** A public key as the JWKS shows it. */
export type PublicJwk = {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly alg: 'EdDSA';
  readonly use: 'sig';
};

/** A new Ed25519 pair, as JSON texts of JWKs. */
export async function newKeyPair(): Promise<{ publicJwk: string; privateJwk: string }> {
  const pair = await generateKeyPair(algorithm, { crv: 'Ed25519', extractable: true });
  return {
    publicJwk: JSON.stringify(await exportJWK(pair.publicKey)),
    privateJwk: JSON.stringify(await exportJWK(pair.privateKey)),
  };
}

/** `publicJwk` as `newKeyPair` gave it. */
export function publicJwkOf(kid: string, publicJwk: string): PublicJwk {
  const { x } = JSON.parse(publicJwk) as { x: string };
  return { kty: 'OKP', crv: 'Ed25519', x, kid, alg: algorithm, use: 'sig' };
}

/** A key made fit for signing or verifying; do it once per key. */
export async function importKey(jwk: PublicJwk | string): Promise<CryptoKey> {
  const parsed = typeof jwk === 'string' ? (JSON.parse(jwk) as JWK) : { ...jwk };
  return (await importJWK(parsed, algorithm)) as CryptoKey;
}

/** Signs an access token that lives `ttlMs` from `now` (epoch ms). */
export function signAccessToken(
  key: { readonly kid: string; readonly privateKey: CryptoKey },
  claims: AccessClaims,
  now: number,
  ttlMs: number,
): Promise<string> {
  return new SignJWT({
    roles: claims.roles,
    organizerIds: claims.organizerIds,
    sid: claims.sessionId,
  })
    .setProtectedHeader({ alg: algorithm, kid: key.kid, typ: type })
    .setSubject(claims.userId)
    .setIssuer(issuer)
    .setAudience(issuer)
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(Math.floor((now + ttlMs) / 1_000))
    .sign(key.privateKey);
}

/**
 * Checks signature, kind, issuer, audience and time. `keyOf` finds the key by its id; undefined:
 * not believed. Rejects with jose's error, or what `keyOf` rejects with.
 */
export async function verifyAccessToken(
  token: string,
  keyOf: (kid: string) => Promise<CryptoKey | undefined>,
  now: number,
): Promise<{ claims: AccessClaims; expiresAt: number }> {
  const { payload } = await jwtVerify(
    token,
    async ({ kid }) => {
      const key = kid === undefined ? undefined : await keyOf(kid);
      if (key === undefined) throw new UnknownKey();
      return key;
    },
    {
      algorithms: [algorithm],
      issuer,
      audience: issuer,
      typ: type,
      currentDate: new Date(now),
      requiredClaims: ['sub', 'exp', 'sid', 'roles', 'organizerIds'],
    },
  );
  return {
    claims: {
      userId: payload.sub as string,
      roles: payload.roles as AccountRole[],
      organizerIds: payload.organizerIds as string[],
      sessionId: payload.sid as string,
    },
    expiresAt: (payload.exp as number) * 1_000,
  };
}

class UnknownKey extends Error {}
