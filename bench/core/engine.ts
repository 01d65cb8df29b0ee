/** One request for one seat. */
export type Order = { readonly seat: number; readonly buyer: string };

/**
 * One way of reserving single seats of one event, so that several can be measured in one run. A
 * reservation counts only when it is majority committed and journaled.
 */
export interface Engine {
  readonly name: string;
  /**
   * Empties what an earlier run left, makes `seats` seats free and takes the orders of the run.
   * Not measured: what a caller sends stands ready before the clock starts.
   */
  prepare(seats: number, orders: readonly Order[]): Promise<void>;
  /** Reserves what order number `turn` asks for; false when the seat is taken. */
  reserve(turn: number): Promise<boolean>;
  /** What stands in the store afterwards: reservations, and how many different seats they name. */
  count(): Promise<{ reservations: number; distinctSeats: number }>;
  close(): Promise<void>;
}

/** Waits as a remote majority would: after the commit, when its locks are already given back. */
export type CommitLatency = () => Promise<void>;
