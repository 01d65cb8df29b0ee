import { factsOf } from '#actors/entries.ts';
import type { CommandReply } from '#actors/mailbox.ts';
import type { Entry } from '#adapters/journal/port.ts';
import type { Command, CommandOf, Replies } from '#domain/inventory/commands.ts';
import { decide } from '#domain/inventory/decide.ts';
import { evolve } from '#domain/inventory/evolve.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import { countsOf, createState, type EventState } from '#domain/inventory/state.ts';
import type { Scheduler } from '#test/simulation/scheduler.ts';
import { SeatModel } from '#test/simulation/seat-model.ts';

/** One try of a command, from the moment it is sent until its answer is there. */
export type Attempt = {
  readonly command: Command;
  /** Epoch ms. */
  readonly sentAt: number;
  /** Answers without a fact that were true at some moment so far. */
  readonly possible: Set<string>;
};

type Applied = { readonly seq: number; readonly facts: readonly Fact[] };

/** Nodes know the server's time to a round trip; what is due within it may be seen either way. */
const clockSlackMs = 450;

/** Answers that say nothing about the event. */
const transport: readonly string[] = [
  'moved',
  'unavailable',
  'overloaded',
  'outcome-unknown',
  'deadline-exceeded',
];

export const isTransport = (reply: CommandReply): boolean =>
  !reply.ok && transport.includes(reply.code);

/** What of an answer must have been true: the value, or the refusal without its sentence. */
const spell = (reply: CommandReply): string =>
  JSON.stringify(reply.ok ? reply.value : [reply.code, reply.data]);

/**
 * The committed history of the event and everything that must hold of it, checked at every entry
 * and at every answer. Knows the journal only as the server applied it.
 */
export class History {
  readonly state: EventState;
  readonly applied: Applied[] = [];
  /** Answers by command and outcome. */
  readonly replies: Record<string, number> = {};
  readonly model: SeatModel;
  readonly #fail: (problem: string) => void;
  readonly #now: () => number;
  readonly #nows: () => readonly number[];
  readonly #attempts = new Set<Attempt>();
  readonly #successes = new Map<string, string>();

  constructor(
    eventId: string,
    { serverNow, serverNows }: Pick<Scheduler, 'serverNow' | 'serverNows'>,
    fail: (problem: string) => void,
  ) {
    this.state = createState(eventId);
    this.#now = serverNow;
    this.#nows = serverNows;
    this.#fail = fail;
    this.model = new SeatModel(fail);
  }

  begin(command: Command): Attempt {
    const attempt = { command, sentAt: this.#now(), possible: new Set<string>() };
    this.#attempts.add(attempt);
    this.#note(attempt);
    return attempt;
  }

  /** An entry was applied: all of its facts are true from now on. */
  commit(entry: Entry): void {
    for (const attempt of this.#attempts) this.#note(attempt);
    const facts = factsOf(entry);
    this.model.entry(entry, facts);
    this.applied.push({ seq: entry.seq, facts });
    for (const fact of facts) {
      evolve(this.state, fact, entry.at, entry.seq);
      for (const attempt of this.#attempts) this.#note(attempt, entry.at);
    }
    const { available, reserved, sold, blocked } = countsOf(this.state);
    if (available + reserved + sold + blocked !== this.state.places.size) {
      this.#fail(`counts do not add up at ${entry.seq}`);
    }
    if (reserved + sold !== this.model.owned) {
      this.#fail(`${reserved} reserved and ${sold} sold, but ${this.model.owned} have an owner`);
    }
  }

  /** The answer of an attempt has arrived; it must be durable or have been true meanwhile. */
  answered(attempt: Attempt, reply: CommandReply): void {
    this.#note(attempt);
    const { command } = attempt;
    this.#count(command, reply);
    if (isTransport(reply)) return;
    const what = `${command.kind} ${command.id}: ${spell(reply)}`;
    if (!reply.ok && reply.code === 'internal') this.#fail(`an internal error: ${what}`);
    if (attempt.possible.has(spell(reply))) return;
    if (!reply.ok) {
      this.#fail(`never true: ${what}; possible: ${[...attempt.possible]}`);
      return;
    }
    if (!this.#stands(command, reply.value)) this.#fail(`answered and not durable: ${what}`);
    if (command.kind === 'hold' && !(reply.value as Replies['hold']).replayed) {
      this.#succeededOnce(command.id, spell(reply));
    }
  }

  #count({ kind }: Command, reply: CommandReply): void {
    const { outcome } = (reply.ok ? reply.value : {}) as { outcome?: string };
    const name = `${kind}: ${reply.ok ? (outcome ?? 'ok') : reply.code}`;
    this.replies[name] = (this.replies[name] ?? 0) + 1;
  }

  end(attempt: Attempt): void {
    this.#attempts.delete(attempt);
  }

  /** The same success may be told twice (a message was doubled), another one may not. */
  #succeededOnce(id: string, success: string): void {
    const before = this.#successes.get(id);
    if (before !== undefined && before !== success) this.#fail(`two effects of ${id}`);
    this.#successes.set(id, success);
  }

  /**
   * Adds what would be answered now without writing a hold, sale or change; `decidedAt`: and what
   * would have been then, by a batch that is committed only now.
   */
  #note(attempt: Attempt, decidedAt?: number): void {
    for (const now of this.#nows()) {
      for (const offMs of [-clockSlackMs, 0, clockSlackMs]) this.#noteAt(attempt, now + offMs);
    }
    if (decidedAt === undefined || decidedAt < attempt.sentAt - clockSlackMs) return;
    this.#noteAt(attempt, decidedAt);
  }

  #noteAt({ command, possible }: Attempt, at: number): void {
    const now = Math.max(this.state.at, at);
    const { facts, reply } = decide(this.state, command as CommandOf<'hold'>, now);
    if (!reply.ok || facts.length === 0) possible.add(spell(reply));
  }

  #some(test: (fact: Fact) => boolean): boolean {
    return this.applied.some(({ facts }) => facts.some(test));
  }

  /** Whether the facts that make this answer true are in the journal. */
  #stands(command: Command, value: unknown): boolean {
    switch (command.kind) {
      case 'hold': {
        const { deadline, seats } = value as Replies['hold'];
        return this.#some(
          (f) =>
            f.type === 'held' &&
            f.hold === command.holdId &&
            f.deadline === deadline &&
            f.places.length === seats.length,
        );
      }
      case 'extend':
        return this.#some((f) => f.type === 'extended' && f.by === command.id);
      case 'release':
        return this.#some((f) => f.type === 'released' && f.hold === command.holdId);
      case 'pin':
        return this.#some(
          (f) =>
            f.type === 'pinned' && f.hold === command.holdId && f.booking === command.bookingId,
        );
      case 'sell':
        return this.#saleStands(command.bookingId, value as Replies['sell']);
      case 'unsell': {
        if ((value as Replies['unsell']).returned.length > 0) {
          return this.#some((f) => f.type === 'unsold' && f.booking === command.bookingId);
        }
        return this.#some(
          (f) =>
            (f.type === 'sell-refused' || f.type === 'sold') && f.booking === command.bookingId,
        );
      }
      case 'read-hold':
        // By an owner that was succeeded, perhaps: but what it knew is in the journal.
        return (
          command.unproven === true &&
          this.#some((f) => f.type === 'held' && f.hold === command.holdId)
        );
      default:
        return this.state.version >= command.version;
    }
  }

  #saleStands(booking: string, answer: Replies['sell']): boolean {
    return this.#some((f) =>
      answer.outcome === 'sold'
        ? f.type === 'sold' && f.booking === booking && `${f.places}` === `${answer.places}`
        : f.type === 'sell-refused' && f.booking === booking && f.reason === answer.reason,
    );
  }
}
