/** Something with a deadline that knows its place in the heap. */
export type Due = {
  deadline: number;
  /** Breaks ties, so that the order is the same after a replay. */
  readonly order: number;
  /** Position in the heap; -1 outside. Written by `Deadlines` only. */
  heapAt: number;
};

const before = (a: Due, b: Due): boolean =>
  a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);

/** A heap by deadline from which anything can be taken out at O(log n). */
export class Deadlines<T extends Due> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  first(): T | undefined {
    return this.#heap[0];
  }

  add(item: T): void {
    this.#heap.push(item);
    this.#up(item, this.#heap.length - 1);
  }

  remove(item: T): void {
    const at = item.heapAt;
    const last = this.#heap.pop();
    item.heapAt = -1;
    if (last === undefined || last === item) return;
    this.#up(last, at);
    this.#down(last, last.heapAt);
  }

  /** To be called after `item.deadline` was moved to a later time. */
  moved(item: T): void {
    this.#down(item, item.heapAt);
  }

  /** Those at or before `now`, earliest first, while `take` answers true. */
  due(now: number, take: (item: T) => boolean): void {
    const overdue = this.#overdue(now).sort((a, b) => (before(a, b) ? -1 : 1));
    for (const item of overdue) if (!take(item)) return;
  }

  /** Everything in the part of the heap that is due: children are never earlier than parents. */
  #overdue(now: number): T[] {
    const found: T[] = [];
    const open = [0];
    while (open.length > 0) {
      const at = open.pop() ?? 0;
      const item = this.#heap[at];
      if (item === undefined || item.deadline > now) continue;
      found.push(item);
      open.push(2 * at + 1, 2 * at + 2);
    }
    return found;
  }

  #up(item: T, from: number): void {
    let at = from;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = this.#heap[up] as T;
      if (!before(item, parent)) break;
      this.#heap[at] = parent;
      parent.heapAt = at;
      at = up;
    }
    this.#heap[at] = item;
    item.heapAt = at;
  }

  #down(item: T, from: number): void {
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      const left = this.#heap[child];
      if (left === undefined) break;
      const right = this.#heap[child + 1];
      if (right !== undefined && before(right, left)) child++;
      const least = this.#heap[child] as T;
      if (!before(least, item)) break;
      this.#heap[at] = least;
      least.heapAt = at;
      at = child;
    }
    this.#heap[at] = item;
    item.heapAt = at;
  }
}
