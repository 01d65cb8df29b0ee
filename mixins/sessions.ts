import { createHash } from 'node:crypto';
import type { CryptoKey } from 'jose';
import type { AccountsStore } from '#adapters/store/accounts.ts';
import {
  importKey,
  newKeyPair,
  type PublicJwk,
  publicJwkOf,
  signAccessToken,
} from '#adapters/tokens/access-token.ts';
import type { SessionView, UserView } from '#contracts/accounts.contract.ts';
import {
  type Account,
  judgeRefresh,
  makeRefreshToken,
  type Session,
  scopesOf,
  sessionIdOf,
} from '#domain/account.ts';
import { UsherError } from '#domain/errors.ts';
import type { Runtime } from '#mixins/runtime.ts';

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** An account as its owner sees it. */
export const userViewOf = (account: Account): UserView => ({
  userId: account.userId,
  email: account.email,
  name: account.name,
  roles: [...account.roles],
  organizers: account.organizers.map((membership) => ({ ...membership })),
  createdAt: new Date(account.createdAt).toISOString(),
});

/**
 * Sessions: opening, refreshing and ending them. Tokens leave this class only in its answers; the
 * store has their hashes.
 */
export class Sessions {
  readonly #store: AccountsStore;
  readonly #runtime: Runtime;
  readonly #key: { readonly kid: string; readonly privateKey: CryptoKey };

  private constructor(
    store: AccountsStore,
    runtime: Runtime,
    key: { readonly kid: string; readonly privateKey: CryptoKey },
  ) {
    this.#store = store;
    this.#runtime = runtime;
    this.#key = key;
  }

  /** Reads the signing key, making it where there is none yet. */
  static async open(store: AccountsStore, runtime: Runtime): Promise<Sessions> {
    const { ids, clock } = runtime;
    const { kid, privateJwk } = await store.signingKey(async () => ({
      kid: ids.ulid(),
      createdAt: clock.now(),
      ...(await newKeyPair()),
    }));
    return new Sessions(store, runtime, { kid, privateKey: await importKey(privateJwk) });
  }

  async jwks(): Promise<PublicJwk[]> {
    return (await this.#store.keys()).map(({ kid, publicJwk }) => publicJwkOf(kid, publicJwk));
  }

  /** Logs an account in. */
  async start(account: Account): Promise<SessionView> {
    const { ids, clock, config } = this.#runtime;
    const sessionId = ids.ulid();
    const token = this.#newToken(sessionId);
    const session: Session = {
      sessionId,
      userId: account.userId,
      tokenHash: hashOf(token),
      usedHashes: [],
      expiresAt: clock.now() + config.limits.refreshTokenTtlMs,
      revoked: false,
    };
    await this.#store.addSession(session);
    return this.#view(account, sessionId, token);
  }

  /** New tokens for a good one. Rejects with `unauthenticated`; a used token ends its session. */
  async refresh(refreshToken: string): Promise<SessionView> {
    const { clock, config } = this.#runtime;
    const refused = new UsherError('unauthenticated', 'This refresh token is not valid');
    const sessionId = sessionIdOf(refreshToken);
    if (sessionId === undefined) throw refused;
    const session = await this.#store.session(sessionId);
    const hash = hashOf(refreshToken);
    const verdict = judgeRefresh(session, hash, clock.now());
    if (verdict === 'refuse' || session === undefined) throw refused;
    const next = this.#newToken(sessionId);
    const expiresAt = clock.now() + config.limits.refreshTokenTtlMs;
    // Losing the race for a rotation is the same as showing a token twice.
    const rotated =
      verdict === 'rotate' && (await this.#store.rotate(sessionId, hash, hashOf(next), expiresAt));
    if (!rotated) {
      await this.#store.revoke(sessionId);
      throw refused;
    }
    const account = await this.#store.byId(session.userId);
    if (account === undefined) throw refused;
    return this.#view(account, sessionId, next);
  }

  /** Ends the session of a token that is or was good; anything else changes nothing. */
  async end(refreshToken: string): Promise<void> {
    const sessionId = sessionIdOf(refreshToken);
    if (sessionId === undefined) return;
    const session = await this.#store.session(sessionId);
    const verdict = judgeRefresh(session, hashOf(refreshToken), this.#runtime.clock.now());
    if (verdict !== 'refuse') await this.#store.revoke(sessionId);
  }

  #newToken(sessionId: string): string {
    const secret = Buffer.from(this.#runtime.ids.bytes(32)).toString('base64url');
    return makeRefreshToken(sessionId, secret);
  }

  async #view(account: Account, sessionId: string, refreshToken: string): Promise<SessionView> {
    const { clock, config } = this.#runtime;
    const ttlMs = config.limits.accessTokenTtlMs;
    const claims = {
      userId: account.userId,
      roles: account.roles,
      ...scopesOf(account.organizers),
      sessionId,
    };
    const accessToken = await signAccessToken(this.#key, claims, clock.now(), ttlMs);
    const expiresIn = Math.floor(ttlMs / 1_000);
    return { user: userViewOf(account), accessToken, refreshToken, expiresIn };
  }
}
