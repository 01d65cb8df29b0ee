/** All chance in the system; the simulation gives a seeded one. */
export interface Ids {
  /** A new ULID (26 characters), ordered by time within a process. */
  ulid(): string;
  /** `length` random bytes, fit for secrets in the production implementation. */
  bytes(length: number): Uint8Array;
  /** A number in [0, 1), for jitter. */
  chance(): number;
}
