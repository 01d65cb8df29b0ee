import type { Message } from '#domain/booking-messages.ts';

/** A message under way, taken by one relay for a while. */
export type OutboxItem = {
  readonly message: Message;
  /** Deliveries that were begun, this one included; the writer's counts. */
  readonly tries: number;
};

/**
 * Messages written in the transaction of their cause. One that `BookingStore.commit` writes is taken
 * by its writer, for `stepRetryMs` from the booking's `updatedAt`; one of a bundle is due at once. A
 * message leaves `open` only when its consumer has stored it or after the last try; nothing is ever
 * deleted unsent.
 */
export interface OutboxStore {
  /** Keys of at most `limit` open messages that are due. */
  dueMessages(now: number, limit: number): Promise<readonly string[]>;
  /** Takes an open, due message until `until`; undefined when another relay has it. */
  takeMessage(key: string, now: number, until: number): Promise<OutboxItem | undefined>;
  done(key: string, now: number): Promise<void>;
  /** Not delivered: again at `dueAt`, or (undefined) kept as failed. */
  failed(key: string, why: string, dueAt: number | undefined): Promise<void>;
}
