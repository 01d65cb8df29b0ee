import type { ClientSession, Collection, Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { systemClock } from '#adapters/clock/system.ts';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { GroupRead } from '#adapters/store/group-read.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import { type StaffAct, StaffActs } from '#adapters/store/staff-acts.ts';
import type { Account, AccountRole, Session } from '#domain/account.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

type AccountRow = Omit<Account, 'userId'> & { readonly _id: string };
type SessionRow = Omit<Session, 'sessionId' | 'expiresAt'> & {
  readonly _id: string;
  /** A date, for the index that removes what has expired. */
  readonly expiresAt: Date;
};

/** A signing key pair as JWKs, as JSON text. */
export type StoredKey = {
  readonly kid: string;
  readonly publicJwk: string;
  readonly privateJwk: string;
  /** Epoch ms. */
  readonly createdAt: number;
};
type KeyRow = Omit<StoredKey, 'kid'> & { readonly _id: string; readonly signs: boolean };

const bounded = { maxTimeMS: limits.databaseTimeoutMs };

/**
 * Accounts, sessions and keys in MongoDB. Every call is bounded and rejects with `unavailable`
 * when the database does not answer.
 */
export class AccountsStore {
  readonly #db: Db;
  readonly #acts: StaffActs;
  readonly #accounts: Collection<AccountRow>;
  readonly #sessions: Collection<SessionRow>;
  readonly #keys: Collection<KeyRow>;
  readonly #byId: GroupRead<AccountRow>;

  constructor(db: Db, clock: Clock = systemClock) {
    this.#db = db;
    this.#acts = new StaffActs(db);
    this.#accounts = db.collection('accounts');
    this.#byId = new GroupRead(
      clock,
      (ids) => stored(() => this.#accounts.find({ _id: { $in: [...ids] } }, bounded).toArray()),
      ({ _id }) => _id,
    );
    this.#sessions = db.collection('sessions');
    this.#keys = db.collection('keys');
  }

  async prepare(): Promise<void> {
    await this.#acts.prepare();
    await this.#accounts.createIndex({ email: 1 }, { unique: true });
    await this.#accounts.createIndex({ 'organizers.organizerId': 1 });
    await this.#sessions.createIndex({ expiresAt: 1 }, { expireAfterSeconds: 0 });
    await this.#sessions.createIndex({ userId: 1 });
    const one = { unique: true, partialFilterExpression: { signs: true } };
    await this.#keys.createIndex({ signs: 1 }, one);
  }

  /** `act`: founding its organizer, written with it or not at all. Rejects with `email-taken`. */
  async add(account: Account, act?: StaffAct): Promise<void> {
    const { userId, ...rest } = account;
    const row = { _id: userId, ...rest };
    const both = async (session: ClientSession, founding: StaffAct): Promise<void> => {
      await this.#accounts.insertOne(row, { session });
      await this.#acts.write(founding, session);
    };
    try {
      await stored(async () => {
        if (act === undefined) await this.#accounts.insertOne(row);
        else await inTransaction(this.#db, (session) => both(session, act));
      });
    } catch (error) {
      if (isDuplicateKey(error)) throw new UsherError('email-taken');
      throw error;
    }
  }

  async byEmail(email: string): Promise<Account | undefined> {
    return accountOf(await stored(() => this.#accounts.findOne({ email }, bounded)));
  }

  async byId(userId: string): Promise<Account | undefined> {
    return accountOf((await this.#byId.one(userId)) ?? null);
  }

  /** Address and name of each of these accounts that there is. */
  async contacts(userIds: readonly string[]) {
    const query = this.#accounts
      .find({ _id: { $in: [...userIds] } }, { ...bounded, batchSize: userIds.length + 1 })
      .project<Pick<AccountRow, '_id' | 'email' | 'name'>>({ email: 1, name: 1 });
    const rows = await stored(() => query.toArray());
    return rows.map(({ _id: userId, email, name }) => ({ userId, email, name }));
  }

  async rename(userId: string, name: string): Promise<Account | undefined> {
    const options = { returnDocument: 'after', ...bounded } as const;
    const change = { $set: { name } };
    return accountOf(
      await stored(() => this.#accounts.findOneAndUpdate({ _id: userId }, change, options)),
    );
  }

  /**
   * Replaces memberships and roles, if the memberships are still what `before` says, and writes the
   * act: both or neither.
   */
  async enrol(before: Account, { organizers, roles }: Account, act: StaffAct): Promise<boolean> {
    const filter = { _id: before.userId, organizers: before.organizers };
    const both = async (session: ClientSession): Promise<boolean> => {
      const change = { $set: { organizers, roles } };
      const { matchedCount } = await this.#accounts.updateOne(filter, change, { session });
      if (matchedCount === 1) await this.#acts.write(act, session);
      return matchedCount === 1;
    };
    return stored(() => inTransaction(this.#db, both));
  }

  /** Gives a role or takes it away; repeating changes nothing. */
  async setRole(userId: string, role: AccountRole, on: boolean): Promise<void> {
    const change = on ? { $addToSet: { roles: role } } : { $pull: { roles: role } };
    await stored(() => this.#accounts.updateOne({ _id: userId }, change as object, bounded));
  }

  /** The accounts of an organizer's people. */
  async ofOrganizer(organizerId: string): Promise<readonly Account[]> {
    const query = this.#accounts
      .find({ 'organizers.organizerId': organizerId }, bounded)
      .limit(limits.staffMax);
    return (await stored(() => query.toArray())).map((row) => accountOf(row) as Account);
  }

  async addSession({ sessionId, expiresAt, ...session }: Session): Promise<void> {
    const row = { _id: sessionId, expiresAt: new Date(expiresAt), ...session };
    await stored(() => this.#sessions.insertOne(row));
  }

  async session(sessionId: string): Promise<Session | undefined> {
    const row = await stored(() => this.#sessions.findOne({ _id: sessionId }, bounded));
    if (row === null) return undefined;
    const { _id, expiresAt, ...session } = row;
    return { sessionId: _id, expiresAt: expiresAt.getTime(), ...session };
  }

  /** False when `from` is no longer the session's good token, or the session has ended. */
  async rotate(sessionId: string, from: string, to: string, expiresAt: number): Promise<boolean> {
    const { modifiedCount } = await stored(() =>
      this.#sessions.updateOne(
        { _id: sessionId, tokenHash: from, revoked: false },
        {
          $set: { tokenHash: to, expiresAt: new Date(expiresAt) },
          $push: { usedHashes: { $each: [from], $slice: -limits.refreshTokensRemembered } },
        },
        bounded,
      ),
    );
    return modifiedCount === 1;
  }

  /** Ends a session; an unknown or ended one is left as it is. */
  async revoke(sessionId: string): Promise<void> {
    await stored(() =>
      this.#sessions.updateOne({ _id: sessionId }, { $set: { revoked: true } }, bounded),
    );
  }

  /** Every key whose tokens are to be believed. */
  async keys(): Promise<StoredKey[]> {
    const rows = await stored(() => this.#keys.find({}, bounded).limit(100).toArray());
    return rows.map(keyOf);
  }

  /** The key that signs; `candidate` becomes it where there is none. */
  async signingKey(candidate: () => Promise<StoredKey>): Promise<StoredKey> {
    const known = await stored(() => this.#keys.findOne({ signs: true }, bounded));
    if (known !== null) return keyOf(known);
    const { kid, ...key } = await candidate();
    try {
      await stored(() => this.#keys.insertOne({ _id: kid, ...key, signs: true }));
      return { kid, ...key };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      const first = await stored(() => this.#keys.findOne({ signs: true }, bounded));
      if (first === null) throw new UsherError('unavailable', 'No signing key');
      return keyOf(first);
    }
  }
}

function accountOf(row: AccountRow | null): Account | undefined {
  if (row === null) return undefined;
  const { _id, ...account } = row;
  return { userId: _id, ...account };
}

function keyOf({ _id, publicJwk, privateJwk, createdAt }: KeyRow): StoredKey {
  return { kid: _id, publicJwk, privateJwk, createdAt };
}
