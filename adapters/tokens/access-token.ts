import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { z } from 'zod';
import { type AccountRole, accountRoles } from '#domain/account.ts';

/** What an access token says of its bearer. */
export type AccessClaims = {
  readonly userId: string;
  readonly roles: readonly AccountRole[];
  readonly organizerIds: readonly string[];
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

const headerSchema = z.object({
  alg: z.enum(['RS256', 'EdDSA']),
  kid: z.string(),
  typ: z.literal(type),
  /** Extensions that must be understood: we know none. */
  crit: z.undefined().optional(),
});

const payloadSchema = z.object({
  iss: z.literal(issuer),
  aud: z.literal(issuer),
  sub: z.string(),
  sid: z.string(),
  exp: z.number(),
  roles: z.array(z.enum(accountRoles)),
  organizerIds: z.array(z.string()),
});

/**
 * Checks signature, kind, issuer, audience and time. `keyOf` finds the key by its id; undefined:
 * not believed. Rejects with an `InvalidToken` or another error of the parsers, or with what
 * `keyOf` rejects with. Verifies where it stands: a hop to a thread costs more than the check.
 */
export async function verifyAccessToken(
  token: string,
  keyOf: (kid: string) => Promise<KeyObject | undefined>,
  now: number,
): Promise<{ claims: AccessClaims; expiresAt: number }> {
  const parts = token.split('.');
  const [header, payload, signature] = parts;
  if (header === undefined || payload === undefined || signature === undefined) throw invalid();
  if (parts.length > 3) throw invalid();
  const { alg, kid } = headerSchema.parse(readPart(header));
  const key = await keyOf(kid);
  if (key === undefined || !isSigned(`${header}.${payload}`, signature, alg, key)) throw invalid();
  const { sub, sid, exp, roles, organizerIds } = payloadSchema.parse(readPart(payload));
  const expiresAt = exp * 1_000;
  if (expiresAt <= now) throw invalid();
  return { claims: { userId: sub, roles, organizerIds, sessionId: sid }, expiresAt };
}

/** The key, not the token, says which algorithm is used: the token must agree. */
function isSigned(text: string, signature: string, alg: string, key: KeyObject): boolean {
  const ed25519 = key.asymmetricKeyType === 'ed25519';
  if (alg !== (ed25519 ? algorithms.OKP : algorithms.RSA)) return false;
  const bytes = Buffer.from(signature, 'base64url');
  return verify(ed25519 ? null : 'sha256', Buffer.from(text), key, bytes);
}

const readPart = (part: string): unknown =>
  JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));

class InvalidToken extends Error {}
const invalid = (): InvalidToken => new InvalidToken('not a valid access token');
