import { grown } from '#domain/inventory/columns.ts';
import { KeyTable } from '#domain/inventory/keys.ts';

/** What each buyer has, by a number that stands for the buyer's id. */
export class Buyers {
  readonly keys = new KeyTable('usr_');
  /** Tickets in live holds and in sales. */
  #tickets = new Uint32Array(16);

  /** The buyer's number, -1 for one who was never here. */
  numberOf(buyerId: string): number {
    return this.keys.numberOf(buyerId);
  }

  add(buyerId: string): number {
    const number = this.keys.add(buyerId);
    this.#tickets = grown(this.#tickets, number + 1);
    return number;
  }

  tickets(number: number): number {
    return number < 0 ? 0 : (this.#tickets[number] ?? 0);
  }

  addTickets(number: number, change: number): void {
    this.#tickets[number] = (this.#tickets[number] ?? 0) + change;
  }

  dump(): Uint32Array {
    return this.#tickets.slice(0, this.keys.size);
  }

  load(tickets: Uint32Array): void {
    this.#tickets = tickets.slice();
  }
}
