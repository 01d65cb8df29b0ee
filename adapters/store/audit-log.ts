import type { ClientSession, Collection, Db } from 'mongodb';
import { isDuplicateKey, stored } from '#adapters/store/failures.ts';
import { inTransaction } from '#adapters/store/mongo.ts';
import {
  type Act,
  type AuditEntry,
  actOf,
  type ChainEnd,
  chained,
  chainStart,
} from '#domain/audit.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

/** Collections of the audit log, its own. */
export const auditCollections = { entries: 'audit_log', ends: 'audit_chain_ends' } as const;

/** The source is the id: an act stands in the log once, whoever writes it again. */
export type EntryDocument = Omit<AuditEntry, 'source'> & { readonly _id: string };
export type EndDocument = ChainEnd & { readonly _id: string };

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;
const walkAtOnce = 1_000;
/** A chain at which others are faster so often is damaged. */
const racesMax = 5;

export const entryOf = ({ _id, ...rest }: EntryDocument): AuditEntry => {
  const { seq, prevHash, hash } = rest;
  return { ...actOf({ source: _id, ...rest }), seq, prevHash, hash };
};

/** Where a page of the log ended. */
export type AuditPosition = { readonly organizerId: string; readonly seq: number };

/**
 * The audit log: one chain an organizer. Entries are only ever added, each batch in one transaction
 * with the chain's end, which is kept apart; two writers at once cannot both continue a chain.
 */
export class AuditLog {
  readonly #db: Db;
  readonly #entries: Collection<EntryDocument>;
  readonly #ends: Collection<EndDocument>;

  constructor(db: Db) {
    this.#db = db;
    this.#entries = db.collection(auditCollections.entries);
    this.#ends = db.collection(auditCollections.ends);
  }

  async prepare(): Promise<void> {
    await this.#entries.createIndex({ organizerId: 1, seq: 1 }, { unique: true });
    // A transaction must not have to create a collection.
    await this.#db.createCollection(auditCollections.ends).catch(() => undefined);
  }

  /**
   * Adds acts of one organizer that are not in the log yet; answers how many were new. Rejects with
   * `unavailable` when nothing could be written.
   */
  async append(organizerId: string, acts: readonly Act[]): Promise<number> {
    for (let tries = 1; ; tries++) {
      try {
        return await stored(() => this.#appendOnce(organizerId, acts, tries > 1));
      } catch (error) {
        // Some stand in the log already; or another writer began this chain in the same moment.
        if (!isDuplicateKey(error)) throw error;
        if (tries >= racesMax) {
          throw new UsherError('unavailable', `The chain of ${organizerId} cannot be continued`);
        }
      }
    }
  }

  /** Newest first within an organizer; `organizerIds` undefined: of all. */
  async page(
    organizerIds: readonly string[] | undefined,
    after: AuditPosition | undefined,
    limit: number,
  ): Promise<readonly AuditEntry[]> {
    const whose = organizerIds === undefined ? {} : { organizerId: { $in: [...organizerIds] } };
    const { organizerId, seq = 0 } = after ?? {};
    const behind =
      organizerId === undefined
        ? {}
        : { $or: [{ organizerId, seq: { $lt: seq } }, { organizerId: { $gt: organizerId } }] };
    const query = this.#entries
      .find({ $and: [whose, behind] }, bounded)
      .sort({ organizerId: 1, seq: -1 })
      .limit(limit);
    return (await stored(() => query.toArray())).map(entryOf);
  }

  /** Every organizer with a chain, or with the end of one. */
  async organizers(): Promise<readonly string[]> {
    const [chains, ends] = await Promise.all([
      this.#entries.distinct('organizerId'),
      this.#ends.distinct('_id'),
    ]);
    return [...new Set([...chains, ...ends])].sort();
  }

  async end(organizerId: string): Promise<ChainEnd | undefined> {
    const found = await stored(() => this.#ends.findOne({ _id: organizerId }, bounded));
    return found === null ? undefined : { seq: found.seq, hash: found.hash };
  }

  /** The last entry that is there, whatever the kept end says. */
  async last(organizerId: string): Promise<AuditEntry | undefined> {
    const options = { sort: { seq: -1 }, ...bounded } as const;
    const found = await stored(() => this.#entries.findOne({ organizerId }, options));
    return found === null ? undefined : entryOf(found);
  }

  /** A chain from its first entry to `upTo`, in batches. */
  async *walk(organizerId: string, upTo: number): AsyncGenerator<readonly AuditEntry[]> {
    for (let behind = Number.NEGATIVE_INFINITY; ; ) {
      const documents = await this.#entries
        .find({ organizerId, seq: { $gt: behind, $lte: upTo } })
        .sort({ seq: 1 })
        .limit(walkAtOnce)
        .toArray();
      const last = documents.at(-1);
      if (last === undefined) return;
      yield documents.map(entryOf);
      behind = last.seq;
    }
  }

  /** Which of these sources stand in the log. */
  async known(sources: readonly string[]): Promise<ReadonlySet<string>> {
    const query = this.#entries.find({ _id: { $in: [...sources] } }, bounded);
    const found = await stored(() => query.project<{ _id: string }>({ _id: 1 }).toArray());
    return new Set(found.map(({ _id }) => _id));
  }

  /** `looks`: leaves out what stands in the log; without, that is refused as a duplicate. */
  async #appendOnce(organizerId: string, acts: readonly Act[], looks: boolean): Promise<number> {
    const write = async (session: ClientSession): Promise<number> => {
      const end = (await this.#ends.findOne({ _id: organizerId }, { session })) ?? chainStart;
      const entries = chained(end, looks ? await this.#unknown(acts, session) : acts);
      const last = entries.at(-1);
      if (last === undefined) return 0;
      const documents = entries.map(({ source, ...rest }) => ({ _id: source, ...rest }));
      await this.#entries.insertMany(documents, { session });
      const next = { seq: last.seq, hash: last.hash };
      if (end.seq === 0) await this.#ends.insertOne({ _id: organizerId, ...next }, { session });
      else await this.#ends.updateOne({ _id: organizerId }, { $set: next }, { session });
      return entries.length;
    };
    return inTransaction(this.#db, write);
  }

  async #unknown(acts: readonly Act[], session: ClientSession): Promise<readonly Act[]> {
    const sources = acts.map(({ source }) => source);
    const found = await this.#entries
      .find({ _id: { $in: sources } }, { session })
      .project<{ _id: string }>({ _id: 1 })
      .toArray();
    const known = new Set(found.map(({ _id }) => _id));
    return acts.filter(({ source }) => !known.has(source));
  }
}
