import { MongoClient } from 'mongodb';
import { systemIds } from '#adapters/ids/system.ts';
import { importKey, signAccessToken } from '#adapters/tokens/access-token.ts';
import { inParallel } from '#bench/support/stats.ts';
import { makeId } from '#domain/ids.ts';

const tokenTtlMs = 15 * 60_000;

/**
 * Access tokens for `count` buyers, signed with the system's own key: signing up that many people
 * would measure password hashing. The gateway verifies each of them as it does any other.
 */
export async function buyerTokens(mongodbUri: string, count: number): Promise<string[]> {
  const client = new MongoClient(mongodbUri);
  try {
    const row = await client.db().collection('keys').findOne({ signs: true });
    if (row === null) throw new Error('The system under test has no signing key yet.');
    const key = {
      kid: String(row._id),
      privateKey: await importKey(String(row.privateJwk)),
    };
    const now = Date.now();
    const sign = (): Promise<string> =>
      signAccessToken(
        key,
        {
          userId: makeId('user', systemIds.ulid()),
          roles: ['buyer'],
          organizerIds: [],
          sessionId: systemIds.ulid(),
        },
        now,
        tokenTtlMs,
      );
    const tokens: string[] = [];
    await inParallel(count, 16, async () => {
      tokens.push(await sign());
    });
    return tokens;
  } finally {
    await client.close();
  }
}
