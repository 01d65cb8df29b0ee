import type { Lru } from '#domain/lru.ts';

/** Which node to ask next; `suspect` names the one that did not answer for this event. */
export type Target = { readonly nodeId: string; readonly suspect?: string };

/**
 * Finds the owner of one event for one message: first the owner last known, else the first node in
 * hash order; then whoever `moved` names; and after a silence the node behind the silent one, which
 * is told whom to look at. Knows nothing of deadlines and counts no attempts.
 */
export class OwnerSearch {
  readonly #eventId: string;
  readonly #known: Lru<string>;
  readonly #nodesOf: (eventId: string) => readonly string[];
  #told: string | undefined;
  #suspect: string | undefined;

  /** `nodesOf`: nodes that offer inventory now, in the event's hash order. */
  constructor(
    eventId: string,
    known: Lru<string>,
    nodesOf: (eventId: string) => readonly string[],
  ) {
    this.#eventId = eventId;
    this.#known = known;
    this.#nodesOf = nodesOf;
    this.#told = known.get(eventId);
  }

  /** Undefined when no node offers inventory. */
  next(): Target | undefined {
    const nodes = this.#nodesOf(this.#eventId);
    const [first] = nodes;
    if (first === undefined) return undefined;
    const told = this.#told;
    if (told !== undefined) {
      if (nodes.includes(told)) return { nodeId: told };
      return { nodeId: first, suspect: told };
    }
    const suspect = this.#suspect;
    if (suspect === undefined) return { nodeId: first };
    const nodeId = nodes[(nodes.indexOf(suspect) + 1) % nodes.length] ?? first;
    return nodeId === suspect ? { nodeId } : { nodeId, suspect };
  }

  served(nodeId: string): void {
    this.#told = nodeId;
    this.#known.set(this.#eventId, nodeId);
  }

  /** `owner` undefined: the node that was asked knows only that it is not the owner. */
  moved(owner: string | undefined): void {
    this.#told = owner;
    this.#suspect = undefined;
    if (owner === undefined) this.#known.delete(this.#eventId);
    else this.#known.set(this.#eventId, owner);
  }

  silent(nodeId: string): void {
    this.#told = undefined;
    this.#suspect = nodeId;
    this.#known.delete(this.#eventId);
  }
}
