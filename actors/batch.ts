import { answer, type CommandReply, type Mailbox, type Pending, refusal } from '#actors/mailbox.ts';
import type { Clock } from '#adapters/clock/port.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { decide } from '#domain/inventory/decide.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import { dueExpiries } from '#domain/inventory/expiry.ts';
import { factText } from '#domain/inventory/fact-text.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { type EventState, nextDeadline } from '#domain/inventory/state.ts';
import { type Change, changesOf } from '#domain/inventory/view.ts';
import type { Limits } from '#domain/limits.ts';

/** What was decided together and becomes true together. */
export type Batch = {
  /** Epoch ms: the one `now` of all its decisions. */
  readonly at: number;
  /** Decided commands and, beside each, the answer it gets once the batch is settled. */
  readonly pendings: Pending[];
  readonly replies: CommandReply[];
  /** JSON texts, for `makeEntry`. Empty: there is nothing to write. */
  readonly facts: string[];
  readonly changes: Change[];
  /** Whether the places themselves change, so that watchers must fetch everything again. */
  refetch: boolean;
};

export type BatchInput = {
  readonly mailbox: Mailbox;
  /** Committed state; the batch's facts are evolved into it. */
  readonly state: EventState;
  readonly at: number;
  /** The seq that the entry will have. */
  readonly seq: number;
  readonly commandsMax: number;
  readonly clock: Clock;
  readonly limits: Limits;
  /** Whether an entry of only these facts could be stored. */
  readonly storable: (facts: string) => boolean;
  readonly report: (problem: string, data: Record<string, unknown>) => void;
};

/**
 * Takes commands from the mailbox and decides them one after the other against `state`, which is
 * evolved on the way: it is speculative until the batch is committed. Overdue holds expire first.
 * The batch ends at `commandsMax`, at `batchBytesMax`, or when deciding has taken so long that
 * heartbeats would suffer. A lone larger command makes a batch of its own; one that no entry can
 * hold is refused.
 */
export function assemble(input: BatchInput): Batch {
  const { mailbox, at, limits, clock, commandsMax } = input;
  const batch: Batch = { at, pendings: [], replies: [], facts: [], changes: [], refetch: false };
  const startedAt = clock.monotonic();
  let bytes = expireDue(input, batch);
  while (batch.pendings.length < commandsMax) {
    if (clock.monotonic() - startedAt > limits.batchDecideMs) break;
    const pending = mailbox.next(at);
    if (pending === undefined) break;
    const decision = decideOne(input, pending.command);
    const text = textOf(decision.facts, input);
    const size = Buffer.byteLength(text) + 1;
    const large = bytes + size > limits.batchBytesMax;
    if (large && batch.facts.length > 0) {
      mailbox.putBack([pending]);
      break;
    }
    batch.pendings.push(pending);
    if (large && !input.storable(text)) {
      batch.replies.push(tooLarge(input, pending.command, size));
      continue;
    }
    batch.replies.push(decision.reply);
    if (text === '') continue;
    apply(input, batch, decision.facts, text);
    bytes += size;
  }
  return batch;
}

const textOf = (facts: readonly Fact[], { state, at }: BatchInput): string =>
  facts.map((fact) => factText(fact, { eventId: state.eventId, at })).join(',');

function decideOne(
  input: BatchInput,
  command: Command,
): { facts: readonly Fact[]; reply: CommandReply } {
  try {
    return decide(input.state, command, input.at);
  } catch (error) {
    input.report('a decision failed', { command: command.id, kind: command.kind, error });
    return { facts: [], reply: refusal('internal') };
  }
}

function tooLarge(input: BatchInput, command: Command, bytes: number): CommandReply {
  input.report('a command is too large for an entry', { command: command.id, bytes });
  return refusal('body-too-large', { bytes });
}

function apply(input: BatchInput, batch: Batch, facts: readonly Fact[], text: string): void {
  for (const fact of facts) {
    const changes = changesOf(fact, input.state);
    if (changes === null) batch.refetch = true;
    else batch.changes.push(...changes);
    evolve(input.state, fact, batch.at, input.seq);
  }
  batch.facts.push(text);
}

/** Adds the holds that are overdue, as many as one entry takes; answers their bytes. */
function expireDue(input: BatchInput, batch: Batch): number {
  const { state, at, limits } = input;
  const next = nextDeadline(state);
  if (next === null || next > at) return 0;
  let bytes = 0;
  for (const fact of dueExpiries(state, at, limits.expirySweepSeatsMax)) {
    const text = factText(fact, { eventId: state.eventId, at });
    const size = Buffer.byteLength(text) + 1;
    if (bytes + size > limits.batchBytesMax) break;
    apply(input, batch, [fact], text);
    bytes += size;
  }
  return bytes;
}

/** Answers what needs no proof, of a batch without facts; true when that was all. */
export function answerUnproven({ pendings, replies }: Batch): boolean {
  let all = true;
  for (const [i, pending] of pendings.entries()) {
    const { command } = pending;
    const reply = replies[i];
    if (command.kind === 'read-hold' && command.unproven === true && reply?.ok === true) {
      answer(pending, reply);
    } else all = false;
  }
  return all;
}

/** Gives every command of a settled batch its answer. */
export function answerBatch({ pendings, replies }: Batch): void {
  for (const [i, pending] of pendings.entries()) {
    answer(pending, replies[i] ?? refusal('internal'));
  }
}
