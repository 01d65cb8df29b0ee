import { hash, type KeyObject } from 'node:crypto';
import type { Clock } from '#adapters/clock/port.ts';
import { type PublicJwk, verifyAccessToken, verifyingKey } from '#adapters/tokens/access-token.ts';
import type { Caller } from '#contracts/common.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { Lru } from '#domain/lru.ts';

type Known = { readonly caller: Caller; readonly expiresAt: number };

/** Longer texts are no token of ours. */
const tokenCharsMax = 4_096;

/**
 * Finds out who bears an access token, on the spot: with the public keys of `accounts.jwks`, and
 * for a token seen before with one hash and one look-up. Keeps hashes, never tokens.
 */
export class Authenticator {
  readonly #fetchKeys: () => Promise<readonly PublicJwk[]>;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #known: Lru<Known>;
  #keys = new Map<string, KeyObject>();
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<void> | undefined;

  constructor(fetchKeys: () => Promise<readonly PublicJwk[]>, clock: Clock, limits: Limits) {
    this.#fetchKeys = fetchKeys;
    this.#clock = clock;
    this.#limits = limits;
    this.#known = new Lru(limits.tokenCacheMax);
  }

  /**
   * The bearer. Rejects with `unauthenticated` (malformed, forged, expired, unknown key), or with
   * `unavailable` while the keys cannot be had.
   */
  async authenticate(token: string): Promise<Caller> {
    if (token.length > tokenCharsMax) throw refused();
    const hashed = hash('sha256', token, 'base64');
    const known = this.#known.get(hashed);
    const now = this.#clock.now();
    if (known !== undefined) {
      if (known.expiresAt > now) return known.caller;
      this.#known.delete(hashed);
      throw refused();
    }
    const { caller, expiresAt } = await this.#verify(token, now);
    this.#known.set(hashed, { caller, expiresAt });
    return caller;
  }

  async #verify(token: string, now: number): Promise<Known> {
    try {
      const { claims, expiresAt } = await verifyAccessToken(token, (kid) => this.#keyOf(kid), now);
      const { sessionId: _, ...caller } = claims;
      return { caller, expiresAt };
    } catch (error) {
      throw codeOf(error) === 'unavailable' ? error : refused();
    }
  }

  async #keyOf(kid: string): Promise<KeyObject | undefined> {
    const key = this.#keys.get(kid);
    if (key !== undefined) return key;
    // A forged key id must not make every request ask the accounts service.
    if (this.#clock.monotonic() - this.#fetchedAt < this.#limits.jwksRefreshMs) return undefined;
    this.#fetching ??= this.#fetch().finally(() => {
      this.#fetching = undefined;
    });
    await this.#fetching;
    return this.#keys.get(kid);
  }

  async #fetch(): Promise<void> {
    let jwks: readonly PublicJwk[];
    try {
      jwks = await this.#fetchKeys();
    } catch {
      throw new UsherError('unavailable', 'The keys of access tokens cannot be had');
    }
    this.#keys = new Map(jwks.map((jwk) => [jwk.kid, verifyingKey(jwk)]));
    this.#fetchedAt = this.#clock.monotonic();
  }
}

const refused = (): UsherError =>
  new UsherError('unauthenticated', 'The access token is not valid');
