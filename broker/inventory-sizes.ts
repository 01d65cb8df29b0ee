import { Buffer } from 'node:buffer';
import type { Command } from '#domain/inventory/commands.ts';

/** JSON of a command's fixed fields: ids, kind, deadline, fingerprint. */
const envelopeBytes = 600;
/** JSON of a reply without its seats: ids, times, quote. */
const replyEnvelopeBytes = 700;
/** JSON of one seat in a reply; names of sections and categories are short. */
const replySeatBytes = 200;
/** Seats assumed in replies about holds whose size the command does not tell. */
const replySeats = 8;

/** About how many bytes a command takes as JSON; exact for those that may be large. */
export function commandBytes(command: Command): number {
  switch (command.kind) {
    case 'open':
    case 'change-terms':
    case 'block':
    case 'unblock':
      return Buffer.byteLength(JSON.stringify(command));
    case 'hold':
      if (command.want.by !== 'seats') return envelopeBytes + 400;
      return command.want.seats.reduce((sum, seat) => sum + seat.length * 2 + 3, envelopeBytes);
    case 'unsell':
      return (command.seats ?? []).reduce((sum, seat) => sum + seat.length * 2 + 3, envelopeBytes);
    default:
      return envelopeBytes;
  }
}

/** About how many bytes the reply to a command takes as JSON. */
export function replyBytes(command: Command): number {
  switch (command.kind) {
    case 'open':
    case 'change-terms':
    case 'release':
      return 200;
    case 'block':
    case 'unblock':
      return commandBytes(command);
    case 'hold': {
      const { want } = command;
      const seats = want.by === 'seats' ? want.seats.length : want.quantity;
      return replyEnvelopeBytes + seats * replySeatBytes;
    }
    default:
      return replyEnvelopeBytes + replySeats * replySeatBytes;
  }
}
