import type { Collection, Db, Filter, FindCursor } from 'mongodb';
import {
  collections,
  fromLedgerDocument,
  type LedgerDocument,
  type OutboxDocument,
} from '#adapters/store/booking-documents.ts';
import type { ActRow, EventRow } from '#adapters/store/event-rows.ts';
import { stored } from '#adapters/store/failures.ts';
import type { OfferActRow } from '#adapters/store/offer-acts.ts';
import { promotionCollections } from '#adapters/store/promotion-rows.ts';
import { staffActsCollection } from '#adapters/store/staff-acts.ts';
import type { Act } from '#domain/audit.ts';
import {
  actOfEvent,
  actOfKept,
  actOfLedger,
  actOfMessage,
  isFreeAct,
  type KeptSource,
  parseSource,
} from '#domain/audit-acts.ts';
import { limits } from '#domain/limits.ts';

const bounded = { maxTimeMS: limits.databaseTimeoutMs } as const;
const eventsAtOnce = 50;

/** What a source says now of an act in the log. */
export type Original =
  /** The source is kept: the act as it follows from it. */
  | { readonly act: Act }
  /** The source has only counted it. */
  | { readonly organizerId: string };

type Names = {
  readonly ledger: readonly string[];
  readonly messages: readonly string[];
  readonly kept: Readonly<Record<KeptSource, readonly string[]>>;
  readonly events: ReadonlyMap<string, number>;
};

/** Of the ledger's entries. */
const isMarked = { unaudited: { $exists: true } } as const;

/** The ids of the entries for which this one's mark stands, besides itself. */
const alsoMarked = ({ unaudited }: LedgerDocument): readonly string[] =>
  unaudited === undefined || unaudited === true ? [] : unaudited;

const eventActOf = (row: EventRow, { body, ...rest }: ActRow): Act =>
  actOfEvent(row._id, row.organizerId, { ...rest, data: JSON.parse(body) });

const keptActOf =
  (kind: KeptSource) =>
  ({ _id, body, unaudited: _, ...rest }: OfferActRow): Act =>
    actOfKept(kind, _id, { ...rest, data: JSON.parse(body) });

/** Ids by source; of an event the highest number. */
function namesOf(sources: readonly string[]): Names {
  const ledger: string[] = [];
  const messages: string[] = [];
  const kept: Record<KeptSource, string[]> = { promotion: [], staff: [] };
  const events = new Map<string, number>();
  for (const name of sources.map(parseSource)) {
    if (name?.of === 'ledger') ledger.push(name.id);
    else if (name?.of === 'message') messages.push(name.id);
    else if (name?.of === 'event') {
      events.set(name.eventId, Math.max(name.no, events.get(name.eventId) ?? 0));
    } else if (name !== undefined) kept[name.of].push(name.id);
  }
  return { ledger, messages, kept, events };
}

/**
 * Where acts are written down with what they did, in one transaction or one document: the ledger,
 * the bookings' messages about free tickets, promotions, staff, and the events. Each carries a mark
 * until the act stands in the log; the marks are the log's, all else is only read.
 */
export class AuditSources {
  readonly #db: Db;
  readonly #ledger: Collection<LedgerDocument>;
  readonly #messages: Collection<OutboxDocument>;
  readonly #bookings: Collection<{ readonly _id: string; readonly buyerId: string }>;
  readonly #kept: readonly (readonly [KeptSource, Collection<OfferActRow>])[];
  readonly #events: Collection<EventRow>;

  constructor(db: Db) {
    this.#db = db;
    this.#ledger = db.collection(collections.ledger);
    this.#messages = db.collection(collections.outbox);
    this.#bookings = db.collection(collections.bookings);
    this.#kept = [
      ['promotion', db.collection(promotionCollections.acts)],
      ['staff', db.collection(staffActsCollection)],
    ];
    this.#events = db.collection('events');
  }

  /**
   * Acts that carry the mark, the oldest first; about `limit` of each kind. Those of the organizers
   * in `without` are left out.
   */
  async pending(limit: number, without: readonly string[] = []): Promise<readonly Act[]> {
    const stuck = without.length === 0 ? [] : [...(await this.#eventsOf(without)), ...without];
    const spared = stuck.length === 0 ? {} : { eventId: { $nin: stuck } };
    const marked = { unaudited: true, ...spared } as const;
    const waiting = { actsWaiting: true, organizerId: { $nin: [...without] } } as const;
    const [ledger, messages, kept, rows] = await stored(() =>
      Promise.all([
        this.#pendingEntries({ ...isMarked, ...spared }, limit),
        this.#messages.find(marked, bounded).sort({ createdAt: 1 }).limit(limit).toArray(),
        this.#keptPending(limit, without),
        this.#events.find(waiting, bounded).limit(eventsAtOnce).toArray(),
      ]),
    );
    const own = rows.flatMap((row) => (row.acts ?? []).map((act) => eventActOf(row, act)));
    const acts = [...(await this.#ofBookings(ledger, messages)), ...kept, ...own];
    return acts.sort((a, b) => a.at - b.at);
  }

  /** These stand in the log: takes their marks away. Repeating does nothing. */
  async recorded(acts: readonly Act[]): Promise<void> {
    const { ledger, messages, kept, events } = namesOf(acts.map(({ source }) => source));
    const unmark = { $unset: { unaudited: '' } } as const;
    const clear = [...events].flatMap(([_id, no]) => [
      { updateOne: { filter: { _id }, update: { $pull: { acts: { no: { $lte: no } } } } } },
      {
        updateOne: {
          filter: { _id, acts: { $size: 0 } },
          update: { $unset: { actsWaiting: '' } } as const,
        },
      },
    ]);
    await stored(async () => {
      if (ledger.length > 0) {
        await this.#ledger.updateMany({ _id: { $in: [...ledger] }, ...isMarked }, unmark);
      }
      if (messages.length > 0) {
        await this.#messages.updateMany({ _id: { $in: [...messages] } }, unmark);
      }
      for (const [kind, rows] of this.#kept) {
        if (kept[kind].length > 0) await rows.updateMany({ _id: { $in: [...kept[kind]] } }, unmark);
      }
      if (clear.length > 0) await this.#events.bulkWrite(clear, { ordered: true });
    });
  }

  /** What the sources say of these acts; the ones they know nothing of are not in the answer. */
  async originals(sources: readonly string[]): Promise<ReadonlyMap<string, Original>> {
    const { ledger, messages, kept: names, events } = namesOf(sources);
    const [entries, texts, keptActs, rows] = await Promise.all([
      this.#ledger.find({ _id: { $in: [...ledger] } }).toArray(),
      this.#messages.find({ _id: { $in: [...messages] } }).toArray(),
      this.#keptActs((kind, acts) => acts.find({ _id: { $in: [...names[kind]] } })),
      this.#events.find({ _id: { $in: [...events.keys()] } }).toArray(),
    ]);
    const found = new Map<string, Original>();
    const kept = [...(await this.#ofBookings(entries, texts)), ...keptActs];
    for (const act of kept) found.set(act.source, { act });
    const made = new Map(rows.map((row) => [row._id, row]));
    for (const source of sources) {
      const name = parseSource(source);
      if (name?.of !== 'event') continue;
      const row = made.get(name.eventId);
      if (row === undefined || name.no < 1 || name.no > (row.actsMade ?? 0)) continue;
      found.set(source, { organizerId: row.organizerId });
    }
    return found;
  }

  /**
   * Batches of all acts that must stand in the log by now: those that were ever made, without the
   * ones that still carry the mark.
   */
  async *due(atOnce: number): AsyncGenerator<readonly string[]> {
    const kept = { unaudited: { $ne: true } } as const;
    const project = { _id: 1, kind: 1, data: 1, eventId: 1 } as const;
    const batch: string[] = [];
    // The driver's own batches of 16 MB would be the most that the walk keeps.
    const read = { batchSize: atOnce } as const;
    for await (const { _id } of this.#ledger
      .find({ unaudited: { $exists: false } }, read)
      .project<{ _id: string }>({ _id: 1 })) {
      batch.push(_id);
      if (batch.length >= atOnce) yield await this.#unmarked(batch.splice(0));
    }
    yield await this.#unmarked(batch.splice(0));
    for await (const message of this.#messages.find(kept, read).project<OutboxDocument>(project)) {
      if (isFreeAct(message)) batch.push(`message:${message._id}`);
      if (batch.length >= atOnce) yield batch.splice(0);
    }
    for (const [kind, rows] of this.#kept) {
      for await (const row of rows.find(kept)) {
        batch.push(keptActOf(kind)(row).source);
        if (batch.length >= atOnce) yield batch.splice(0);
      }
    }
    for await (const row of this.#events.find({ actsMade: { $gt: 0 } }, { batchSize: 100 })) {
      const waiting = new Set((row.acts ?? []).map(({ no }) => no));
      for (let no = 1; no <= (row.actsMade ?? 0); no++) {
        if (!waiting.has(no)) batch.push(`event:${row._id}:${no}`);
        if (batch.length >= atOnce) yield batch.splice(0);
      }
    }
    if (batch.length > 0) yield batch;
  }

  /**
   * Sources of those of these entries that no mark stands for: one without a mark of its own was
   * written with the one that stands for it, which is seen here unless it was taken away.
   */
  async #unmarked(ids: readonly string[]): Promise<readonly string[]> {
    const marks = { unaudited: { $exists: true, $in: [...ids] } };
    const heads = await this.#ledger.find(marks).sort({ at: 1 }).toArray();
    const waiting = new Set(heads.flatMap(alsoMarked));
    return ids.filter((id) => !waiting.has(id)).map((id) => `ledger:${id}`);
  }

  /** Those of the sources that belong to this organizer's chain. */
  async ofOrganizer(organizerId: string, some: readonly string[]): Promise<readonly string[]> {
    const found = await this.originals(some);
    return some.filter((source) => {
      const original = found.get(source);
      if (original === undefined) return false;
      return organizerId === ('act' in original ? original.act : original).organizerId;
    });
  }

  /** Which organizer these events belong to. */
  async organizersOf(eventIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    // An entry of no event names its organizer in the event's place.
    const own = eventIds.filter((id) => id.startsWith('org_')).map((id) => [id, id] as const);
    const query = this.#events
      .find({ _id: { $in: [...new Set(eventIds)] } }, bounded)
      .project<{ _id: string; organizerId: string }>({ organizerId: 1 });
    const found = await stored(() => query.toArray());
    return new Map([...own, ...found.map((row) => [row._id, row.organizerId] as const)]);
  }

  #keptPending(limit: number, without: readonly string[]): Promise<readonly Act[]> {
    const waiting = { unaudited: true, organizerId: { $nin: [...without] } } as const;
    return this.#keptActs((_, acts) => acts.find(waiting, bounded).sort({ at: 1 }).limit(limit));
  }

  /** The acts that `find` finds in each of the collections that keep them. */
  async #keptActs(
    find: (kind: KeptSource, acts: Collection<OfferActRow>) => FindCursor<OfferActRow>,
  ): Promise<readonly Act[]> {
    const found = await Promise.all(
      this.#kept.map(async ([kind, acts]) =>
        (await find(kind, acts).toArray()).map(keptActOf(kind)),
      ),
    );
    return found.flat();
  }

  /**
   * Entries that carry a mark, and those for which it stands; about `limit` in all. One causal
   * session: who has seen a mark sees what was written with it.
   */
  #pendingEntries(filter: Filter<LedgerDocument>, limit: number): Promise<LedgerDocument[]> {
    return this.#db.client.withSession({ causalConsistency: true }, async (session) => {
      const options = { session, ...bounded, batchSize: limit };
      const found = await this.#ledger.find(filter, options).sort({ at: 1 }).limit(limit).toArray();
      const heads: LedgerDocument[] = [];
      const others: string[] = [];
      for (const head of found) {
        if (heads.length + others.length >= limit) break;
        heads.push(head);
        others.push(...alsoMarked(head));
      }
      if (others.length === 0) return heads;
      const marked = { _id: { $in: others } };
      const rest = { ...options, batchSize: others.length + 1 };
      return [...heads, ...(await this.#ledger.find(marked, rest).toArray())];
    });
  }

  async #eventsOf(organizerIds: readonly string[]): Promise<string[]> {
    const query = this.#events
      .find({ organizerId: { $in: [...organizerIds] } }, bounded)
      .project<{ _id: string }>({ _id: 1 });
    return (await stored(() => query.toArray())).map(({ _id }) => _id);
  }

  async #ofBookings(
    ledger: readonly LedgerDocument[],
    messages: readonly OutboxDocument[],
  ): Promise<readonly Act[]> {
    const eventIds = [...ledger, ...messages].map(({ eventId }) => eventId);
    const organizers = await this.organizersOf(eventIds);
    const buyers = await this.#buyersOf(ledger.map(({ bookingId }) => bookingId));
    return [
      ...ledger.map((document) => {
        const entry = fromLedgerDocument(document);
        const { eventId, bookingId } = entry;
        const concerned = { organizerId: organizers.get(eventId), buyerId: buyers.get(bookingId) };
        return actOfLedger(entry, concerned);
      }),
      ...messages
        .filter(isFreeAct)
        .map(({ _id: key, createdAt, ...message }) =>
          actOfMessage({ key, ...message }, organizers.get(message.eventId), createdAt),
        ),
    ];
  }

  async #buyersOf(bookingIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
    if (bookingIds.length === 0) return new Map();
    const query = this.#bookings
      .find(
        { _id: { $in: [...new Set(bookingIds)] } },
        { ...bounded, batchSize: bookingIds.length + 1 },
      )
      .project<{ _id: string; buyerId: string }>({ buyerId: 1 });
    const found = await stored(() => query.toArray());
    return new Map(found.map(({ _id, buyerId }) => [_id, buyerId]));
  }
}
