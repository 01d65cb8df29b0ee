import { grown } from '#domain/inventory/columns.ts';
import { KeyTable } from '#domain/inventory/keys.ts';
import type { Sales } from '#domain/inventory/sales.ts';

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

  /** Counts sold places anew, of a state that was read from a snapshot. */
  countSold(sales: Sales, owners: Int32Array): void {
    this.#tickets = new Uint32Array(this.keys.size);
    for (const owner of owners) {
      if (owner < 0) this.addTickets(sales.buyer[-owner - 1] ?? 0, 1);
    }
  }
}
