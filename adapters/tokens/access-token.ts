import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
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

/** What must stand in a token. Other members are ignored; an extension is never understood. */
const headerSchema = z.object({
  alg: z.string(),
  kid: z.string(),
  typ: z.literal(type),
  crit: z.undefined().optional(),
});
const payloadSchema = z.object({
  iss: z.literal(issuer),
  aud: z.literal(issuer),
  sub: z.string(),
  sid: z.string(),
  exp: z.number(),
  nbf: z.undefined().optional(),
  roles: z.array(z.enum(accountRoles)),
  organizerIds: z.array(z.string()),
  boxOfficeIds: z.array(z.string()).optional(),
});

/**
 * Checks signature, kind, issuer, audience and time. `keyOf` finds the key by its id; undefined:
 * not believed. The key, not the token, says which algorithm is used. The signature is checked on
 * this thread: handing it to another one costs more than the check (ADR 009). Rejects with an
 * `InvalidToken`, with an error of the parsers, or with what `keyOf` rejects with.
 */
export async function verifyAccessToken(
  token: string,
  keyOf: (kid: string) => Promise<KeyObject | undefined> | KeyObject | undefined,
  now: number,
): Promise<{ claims: AccessClaims; expiresAt: number }> {
  const bodyAt = token.indexOf('.') + 1;
  const signatureAt = token.indexOf('.', bodyAt) + 1;
  if (bodyAt === 0 || signatureAt === 0 || !compact.test(token)) throw new InvalidToken();
  const header = headerSchema.parse(jsonIn(token.slice(0, bodyAt - 1)));
  const found = keyOf(header.kid);
  const key = found instanceof Promise ? await found : found;
  if (key === undefined || header.alg !== algorithmOf(key)) throw new InvalidToken();
  const signed = Buffer.from(token.slice(0, signatureAt - 1), 'latin1');
  const signature = Buffer.from(token.slice(signatureAt), 'base64url');
  if (!verify(digestOf(key), signed, key, signature)) throw new InvalidToken();
  const payload = payloadSchema.parse(jsonIn(token.slice(bodyAt, signatureAt - 1)));
  const { sub, sid, exp, roles, organizerIds, boxOfficeIds } = payload;
  const expiresAt = exp * 1_000;
  if (expiresAt <= now) throw new InvalidToken();
  const claims = {
    userId: sub,
    roles,
    organizerIds,
    ...(boxOfficeIds === undefined ? {} : { boxOfficeIds }),
    sessionId: sid,
  };
  return { claims, expiresAt };
}

/** Three parts in base64url. */
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const jsonIn = (part: string): unknown =>
  JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

const isEd25519 = (key: KeyObject): boolean => key.asymmetricKeyType === 'ed25519';
const algorithmOf = (key: KeyObject) => (isEd25519(key) ? algorithms.OKP : algorithms.RSA);
/** Ed25519 has its digest built in. */
const digestOf = (key: KeyObject) => (isEd25519(key) ? null : 'sha256');

class InvalidToken extends Error {
  constructor() {
    super('not a valid access token');
  }
}
