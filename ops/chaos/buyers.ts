import type { Db } from 'mongodb';
import { systemIds } from '#adapters/ids/system.ts';
import { importKey, signAccessToken } from '#adapters/tokens/access-token.ts';
import type { AccountRole } from '#domain/account.ts';
import { makeId } from '#domain/ids.ts';

const tokenTtlMs = 15 * 60_000;
const renewMs = 5 * 60_000;

export type Buyer = {
  /** A token that is good for some minutes yet. */
  token(): Promise<string>;
};

/**
 * People with accounts, signed in with the system's own key: signing up that many would only
 * measure password hashing. One who holds nothing can be given back and comes again.
 */
export class Buyers {
  readonly #key: Parameters<typeof signAccessToken>[0];
  readonly #free: Buyer[] = [];

  private constructor(key: Parameters<typeof signAccessToken>[0]) {
    this.#key = key;
  }

  static async of(db: Db): Promise<Buyers> {
    const row = await db.collection('keys').findOne({ signs: true });
    if (row === null) throw new Error('The cluster has no signing key yet');
    const privateKey = await importKey(String(row.privateJwk));
    return new Buyers({ kid: String(row._id), privateKey });
  }

  take(): Buyer {
    return this.#free.shift() ?? this.#newcomer();
  }

  giveBack(buyer: Buyer): void {
    this.#free.push(buyer);
  }

  /** Somebody who acts for this organizer. */
  organizer(organizerId: string): Buyer {
    return this.#newcomer(['buyer', 'organizer'], [organizerId]);
  }

  #newcomer(
    roles: readonly AccountRole[] = ['buyer'],
    organizerIds: readonly string[] = [],
  ): Buyer {
    const userId = makeId('user', systemIds.ulid());
    const sessionId = systemIds.ulid();
    const claims = { userId, roles, organizerIds, sessionId };
    let signedAt = Number.NEGATIVE_INFINITY;
    let token = '';
    return {
      token: async () => {
        const now = Date.now();
        if (now - signedAt > renewMs) {
          token = await signAccessToken(this.#key, claims, now, tokenTtlMs);
          signedAt = now;
        }
        return token;
      },
    };
  }
}
