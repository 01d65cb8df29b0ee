import { assertNever } from '#domain/errors.ts';
import type { Command, CommandKind, CommandOf } from '#domain/inventory/commands.ts';
import {
  decideExtend,
  decidePin,
  decideRead,
  decideRelease,
} from '#domain/inventory/decide-held.ts';
import { decideHold } from '#domain/inventory/decide-hold.ts';
import { decideSell, decideUnsell } from '#domain/inventory/decide-sale.ts';
import { decideBlock, decideTerms } from '#domain/inventory/decide-terms.ts';
import type { Decision } from '#domain/inventory/decision.ts';
import type { EventState } from '#domain/inventory/state.ts';

/**
 * Decides one command against a state: the facts it leads to and its answer, which is true once
 * they stand in the journal. Changes nothing, reads nothing else, and throws for no refusal.
 *
 * `now` is the `at` of the entry in which the facts will stand, never below `state.at`. Before the
 * next command of the batch is decided, `evolve` must have been given these facts. A hold that is
 * due and in the way ends as a whole first, by an `expired` fact in front of the others.
 */
export function decide<K extends CommandKind>(
  state: EventState,
  command: CommandOf<K>,
  now: number,
): Decision<K>;
export function decide(state: EventState, command: Command, now: number): Decision {
  switch (command.kind) {
    case 'open':
    case 'change-terms':
      return decideTerms(state, command);
    case 'block':
    case 'unblock':
      return decideBlock(state, command, now);
    case 'hold':
      return decideHold(state, command, now);
    case 'extend':
      return decideExtend(state, command, now);
    case 'release':
      return decideRelease(state, command, now);
    case 'read-hold':
      return decideRead(state, command, now);
    case 'pin':
      return decidePin(state, command, now);
    case 'sell':
      return decideSell(state, command, now);
    case 'unsell':
      return decideUnsell(state, command);
    default:
      return assertNever(command);
  }
}
