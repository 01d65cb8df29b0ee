import { createPublicKey, type KeyObject } from 'node:crypto';
import {
  type CryptoKey,
  decodeProtectedHeader,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { z } from 'zod';
import { type AccountRole, accountRoles } from '#domain/account.ts';

/** What an access token says of its bearer. */
export type AccessClaims = {
  readonly userId: string;
  readonly roles: readonly AccountRole[];
  readonly organizerIds: readonly string[];
  /** At whose box office the bearer sells. */
  readonly boxOfficeIds?: readonly string[] | undefined;
  readonly sessionId: string;
};

const issuer = 'usher';
const type = 'at+jwt';

/**
 * Tokens are signed once and verified by every gateway a buyer meets, in the rush before a sale:
 * new keys are RSA, whose verification takes a fifth of Ed25519's (`openssl speed`: 15 and 70 µs).
 * Ed25519 keys are believed too.
 */
const algorithms = { RSA: 'RS256', OKP: 'EdDSA' } as const;
const rsaBits = 2_048;

type Ours = { readonly kid: string; readonly use: 'sig' };

/** A public key as the JWKS shows it. */
export type PublicJwk = Ours &
  (
    | { readonly kty: 'RSA'; readonly n: string; readonly e: string; readonly alg: 'RS256' }
    | { readonly kty: 'OKP'; readonly crv: 'Ed25519'; readonly x: string; readonly alg: 'EdDSA' }
  );

/** A new pair, as JSON texts of JWKs. */
export async function newKeyPair(): Promise<{ publicJwk: string; privateJwk: string }> {
  const options = { modulusLength: rsaBits, extractable: true };
  const pair = await generateKeyPair(algorithms.RSA, options);
  return {
    publicJwk: JSON.stringify(await exportJWK(pair.publicKey)),
    privateJwk: JSON.stringify(await exportJWK(pair.privateKey)),
  };
}

/** `publicJwk` as `newKeyPair` gave it. */
export function publicJwkOf(kid: string, publicJwk: string): PublicJwk {
  const jwk = JSON.parse(publicJwk) as { kty: string; n: string; e: string; x: string };
  if (jwk.kty === 'OKP') {
    return { kty: 'OKP', crv: 'Ed25519', x: jwk.x, kid, alg: algorithms.OKP, use: 'sig' };
  }
  return { kty: 'RSA', n: jwk.n, e: jwk.e, kid, alg: algorithms.RSA, use: 'sig' };
}

/** A private key as JSON text of its JWK, made fit for signing; do it once per key. */
export async function importKey(privateJwk: string): Promise<CryptoKey> {
  const jwk = JSON.parse(privateJwk) as JWK;
  return (await importJWK(jwk, jwk.kty === 'OKP' ? algorithms.OKP : algorithms.RSA)) as CryptoKey;
}

/** A public key made fit for verifying; do it once per key. */
export const verifyingKey = (jwk: PublicJwk): KeyObject =>
  createPublicKey({ key: { ...jwk }, format: 'jwk' });

/** Signs an access token that lives `ttlMs` from `now` (epoch ms). */
export function signAccessToken(
  key: { readonly kid: string; readonly privateKey: CryptoKey },
  claims: AccessClaims,
  now: number,
  ttlMs: number,
): Promise<string> {
  const alg = key.privateKey.algorithm.name === 'Ed25519' ? algorithms.OKP : algorithms.RSA;
  return new SignJWT({
    roles: claims.roles,
    organizerIds: claims.organizerIds,
    ...(claims.boxOfficeIds?.length ? { boxOfficeIds: claims.boxOfficeIds } : {}),
    sid: claims.sessionId,
  })
    .setProtectedHeader({ alg, kid: key.kid, typ: type })
    .setSubject(claims.userId)
    .setIssuer(issuer)
    .setAudience(issuer)
    .setIssuedAt(Math.floor(now / 1_000))
    .setExpirationTime(Math.floor((now + ttlMs) / 1_000))
    .sign(key.privateKey);
}

const payloadSchema = z.object({
  sub: z.string(),
  sid: z.string(),
  exp: z.number(),
  roles: z.array(z.enum(accountRoles)),
  organizerIds: z.array(z.string()),
  boxOfficeIds: z.array(z.string()).optional(),
});

/**
 * Checks signature, kind, issuer, audience and time. `keyOf` finds the key by its id; undefined:
 * not believed. The key, not the token, says which algorithm is used. Rejects with an
 * `InvalidToken`, with an error of the libraries that check it, or with what `keyOf` rejects with.
 */
export async function verifyAccessToken(
  token: string,
  keyOf: (kid: string) => Promise<KeyObject | undefined>,
  now: number,
): Promise<{ claims: AccessClaims; expiresAt: number }> {
  const { kid } = decodeProtectedHeader(token);
  const key = kid === undefined ? undefined : await keyOf(kid);
  if (key === undefined) throw new InvalidToken('not a valid access token');
  const { payload } = await jwtVerify(token, key, {
    algorithms: [key.asymmetricKeyType === 'ed25519' ? algorithms.OKP : algorithms.RSA],
    issuer,
    audience: issuer,
    typ: type,
    currentDate: new Date(now),
  });
  const { sub, sid, exp, roles, organizerIds, boxOfficeIds } = payloadSchema.parse(payload);
  return {
    claims: {
      userId: sub,
      roles,
      organizerIds,
      ...(boxOfficeIds === undefined ? {} : { boxOfficeIds }),
      sessionId: sid,
    },
    expiresAt: exp * 1_000,
  };
}

class InvalidToken extends Error {}
