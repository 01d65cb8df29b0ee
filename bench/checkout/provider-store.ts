import type { Doc } from '#adapters/payments/simulator/model.ts';
import type { ObjectStore } from '#adapters/payments/simulator/store.ts';

type Filter = { readonly dueAt?: { readonly $lte: number } };

/** The provider's objects in its own memory: what it keeps is no load of ours. */
export class ProviderStore implements ObjectStore {
  readonly #docs = new Map<string, Doc>();
  /** Those with work that is due some day. */
  readonly #due = new Map<string, Doc & { readonly dueAt: number }>();

  #bookings: Record<string, string> = {};

  async prepare(): Promise<void> {}

  async portBefore(): Promise<undefined> {}

  async keepPort(): Promise<void> {}

  async find<K extends Doc['kind']>(kind: K, id: string) {
    const doc = this.#docs.get(id);
    return doc?.kind === kind ? (doc as Extract<Doc, { kind: K }>) : undefined;
  }

  /** Only what is due; nobody asks for lists while checkouts are measured. */
  async query<K extends Doc['kind']>(kind: K, { dueAt }: Filter, { limit }: { limit: number }) {
    const found = [...this.#due.values()].filter(
      (doc) => doc.kind === kind && dueAt !== undefined && doc.dueAt <= dueAt.$lte,
    );
    return found.slice(0, limit) as unknown as Extract<Doc, { kind: K }>[];
  }

  async put(docs: readonly Doc[]): Promise<void> {
    for (const doc of docs) this.#keep(doc);
  }

  async patch(id: string, set: object, unset: Readonly<Record<string, ''>> = {}): Promise<void> {
    const doc = this.#docs.get(id);
    if (doc === undefined) return;
    const gone = Object.fromEntries(Object.keys(unset).map((name) => [name, undefined]));
    this.#keep({ ...doc, ...set, ...gone } as Doc);
  }

  async delivered(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.patch(id, { delivery: 'delivered' }, { dueAt: '' });
  }

  /** Intent → the booking that it was made for, of those since the last time. */
  takeBookings(): Record<string, string> {
    const taken = this.#bookings;
    this.#bookings = {};
    return taken;
  }

  #keep(doc: Doc): void {
    if (doc.kind === 'payment_intent' && !this.#docs.has(doc._id)) {
      this.#bookings[doc._id] = doc.body.metadata.bookingId ?? '';
    }
    this.#docs.set(doc._id, doc);
    if ('dueAt' in doc && doc.dueAt !== undefined) this.#due.set(doc._id, doc as never);
    else this.#due.delete(doc._id);
  }
}
