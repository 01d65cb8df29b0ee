import type { ErrorCode, ErrorData } from '#domain/errors.ts';
import { errorRegistry } from '#domain/errors.ts';
import type { Command, CommandKind } from '#domain/inventory/commands.ts';

/** The answer to one command. */
export type CommandReply =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: ErrorCode;
      readonly detail: string;
      readonly data: ErrorData;
    };

export type Refusal = Extract<CommandReply, { ok: false }>;

export const refusal = (code: ErrorCode, data: ErrorData = {}, detail?: string): Refusal => ({
  ok: false,
  code,
  detail: detail ?? errorRegistry[code].title,
  data,
});

/** A command that waits for its answer. */
export type Pending = {
  readonly command: Command;
  readonly bytes: number;
  readonly group: Group;
  /** Place of its answer among the group's. */
  readonly index: number;
  answered: boolean;
};

/** Commands that arrived together and are answered together. */
type Group = {
  readonly replies: CommandReply[];
  missing: number;
  readonly resolve: (replies: readonly CommandReply[]) => void;
};

/** Gives a command its answer; a later one for the same command is ignored. */
export function answer(pending: Pending, reply: CommandReply): void {
  if (pending.answered) return;
  pending.answered = true;
  const { group } = pending;
  group.replies[pending.index] = reply;
  if (--group.missing === 0) group.resolve(group.replies);
}

/** Lanes in the order they are served: what is paid or organised, then holds, then reads. */
const laneOf: Readonly<Record<CommandKind, 0 | 1 | 2>> = {
  open: 0,
  'change-terms': 0,
  block: 0,
  unblock: 0,
  pin: 0,
  sell: 0,
  unsell: 0,
  extend: 1,
  release: 1,
  hold: 1,
  'read-hold': 2,
};

/** Share of the mailbox that only the first lane may fill. */
const reservedShare = 1 / 8;

type MailboxLimits = { readonly mailboxCommandsMax: number; readonly mailboxBytesMax: number };

/**
 * The bounded waiting line of one event's commands. What does not fit is refused at once with
 * `overloaded`; what has passed its deadline is dropped undecided with `deadline-exceeded`.
 */
export class Mailbox {
  readonly #limits: MailboxLimits;
  readonly #lanes = [new Lane(), new Lane(), new Lane()] as const;
  #bytes = 0;

  constructor(limits: MailboxLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#lanes[0].size + this.#lanes[1].size + this.#lanes[2].size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when every one of `commands` has its answer, in their order. Never rejects. */
  offer(commands: readonly Command[]): Promise<readonly CommandReply[]> {
    return new Promise((resolve) => {
      if (commands.length === 0) return resolve([]);
      const replies = new Array<CommandReply>(commands.length);
      const group: Group = { replies, missing: commands.length, resolve };
      for (const [index, command] of commands.entries()) {
        const pending = { command, bytes: sizeOf(command), group, index, answered: false };
        if (!this.#put(pending)) answer(pending, refusal('overloaded'));
      }
    });
  }

  #put(pending: Pending): boolean {
    const lane = laneOf[pending.command.kind];
    const share = lane === 0 ? 1 : 1 - reservedShare;
    const { mailboxCommandsMax, mailboxBytesMax } = this.#limits;
    if (this.size + 1 > mailboxCommandsMax * share) return false;
    if (this.#bytes + pending.bytes > mailboxBytesMax * share) return false;
    this.#bytes += pending.bytes;
    this.#lanes[lane].push(pending);
    return true;
  }

  /** The next command to decide; overdue ones (`now`: epoch ms) are dropped on the way. */
  next(now: number): Pending | undefined {
    for (const lane of this.#lanes) {
      for (let p = lane.shift(); p !== undefined; p = lane.shift()) {
        this.#bytes -= p.bytes;
        if (p.answered) continue;
        if (p.command.deadline > now) return p;
        answer(p, refusal('deadline-exceeded'));
      }
    }
    return undefined;
  }

  /** Puts commands that were taken and not decided for good back in front, in their order. */
  putBack(pendings: readonly Pending[]): void {
    for (const p of pendings.toReversed()) {
      this.#bytes += p.bytes;
      this.#lanes[laneOf[p.command.kind]].unshift(p);
    }
  }

  /** Drops what is overdue, wherever it stands in line. */
  sweep(now: number): void {
    for (const lane of this.#lanes) {
      for (const p of lane.removeWhere((each) => each.command.deadline <= now)) {
        this.#bytes -= p.bytes;
        answer(p, refusal('deadline-exceeded'));
      }
    }
  }

  /** Gives everything that waits the same answer. */
  answerAll(reply: CommandReply): void {
    for (const lane of this.#lanes) {
      for (const p of lane.removeWhere(() => true)) answer(p, reply);
    }
    this.#bytes = 0;
  }

  some(test: (command: Command) => boolean): boolean {
    return this.#lanes.some((lane) => lane.some((p) => test(p.command)));
  }
}

/** First in, first out, without moving the rest at every `shift`. */
class Lane {
  #items: Pending[] = [];
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: Pending): void {
    this.#items.push(item);
  }

  shift(): Pending | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;
    this.#first++;
    if (this.#first === this.#items.length) {
      this.#items = [];
      this.#first = 0;
    } else if (this.#first >= 4_096) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  unshift(item: Pending): void {
    if (this.#first > 0) this.#items[--this.#first] = item;
    else this.#items.unshift(item);
  }

  removeWhere(test: (item: Pending) => boolean): readonly Pending[] {
    if (!this.some(test)) return [];
    const waiting = this.#items.slice(this.#first);
    this.#items = waiting.filter((item) => !test(item));
    this.#first = 0;
    return waiting.filter(test);
  }

  some(test: (item: Pending) => boolean): boolean {
    for (let i = this.#first; i < this.#items.length; i++) {
      const item = this.#items[i];
      if (item !== undefined && test(item)) return true;
    }
    return false;
  }
}

/** What a command weighs in memory, roughly: its lists and its layout, in bytes. */
function sizeOf(command: Command): number {
  const base = 400;
  switch (command.kind) {
    case 'open':
    case 'change-terms':
      return base + command.terms.layout.length + 4_000;
    case 'block':
    case 'unblock':
      return base + command.seats.length * 24;
    case 'unsell':
      return base + (command.seats?.length ?? 0) * 24;
    case 'hold':
      return base + (command.want.by === 'seats' ? command.want.seats.length * 24 : 0);
    default:
      return base;
  }
}
