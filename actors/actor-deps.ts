import type { EventActor } from '#actors/event-actor.ts';
import type { Refusal } from '#actors/mailbox.ts';
import type { OwnJournalDeps, Position } from '#actors/own-journal.ts';
import type { Restored } from '#actors/restore.ts';
import type { Limits } from '#domain/limits.ts';

export type Snapshot = {
  readonly eventId: string;
  readonly seq: number;
  readonly epoch: number;
  readonly bytes: Uint8Array;
};

export type ActorDeps = OwnJournalDeps & {
  readonly limits: Limits;
  /** The committed state at exactly `seq`, built anew. */
  readonly restore: (eventId: string, seq: number) => Promise<Restored>;
  /** Stores a snapshot in the background; resolves when it was read back. */
  readonly saveSnapshot: (snapshot: Snapshot) => Promise<void>;
  /** Told once, when the actor has ended. */
  readonly closed: (actor: EventActor, why: Refusal) => void;
  readonly report: (problem: string, data: Record<string, unknown>) => void;
};

/** What a claim and a replay lead to. */
export type Ownership = Restored & Position;
