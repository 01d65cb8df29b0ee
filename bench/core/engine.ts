/**
 * One way of reserving single seats of one event, so that several can be measured in one run. A
 * reservation counts only when it is majority committed and journaled.
 */
export interface Engine {
  readonly name: string;
  /** Empties what an earlier run left and makes `seats` seats free. Not measured. */
  prepare(seats: number): Promise<void>;
  /** Reserves seat number `seat` for `buyer`; false when it is taken. */
  reserve(seat: number, buyer: string): Promise<boolean>;
  /** What stands in the store afterwards: reservations, and how many different seats they name. */
  count(): Promise<{ reservations: number; distinctSeats: number }>;
  close(): Promise<void>;
}

/** Waits as a remote majority would: after the commit, when its locks are already given back. */
export type CommitLatency = () => Promise<void>;
