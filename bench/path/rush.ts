import { buyerTokens } from '#bench/path/buyers.ts';
import type { System } from '#bench/path/systems.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvent } from '#bench/support/organizer.ts';

export type HotEvent = {
  readonly eventId: string;
  /** Seats of the event that are reserved, as its view shows them when all is quiet. */
  readonly reserved: () => Promise<number>;
};

/** Buyers who all want one seat of the same event. */
export type Rush = Pick<HotEvent, 'reserved'> & {
  /** The next request, whole; undefined when there are no more. */
  readonly next: () => Buffer | undefined;
};

const quietMs = 1_500;
/** Live holds that one buyer may have. */
const holdsPerBuyer = 2;
/** Buyers who come between a buyer's first request and the second. */
const buyersBetween = 500;

/**
 * Part of the requests that bring a token the gateway has not seen: every buyer sends two, the
 * least that anybody does who means to buy.
 */
export const firstSeenShare: number = 1 / holdsPerBuyer;

/** Puts an event of so many seats on sale and prepares the tokens for so many requests. */
export async function stageRush(system: System, seats: number, requests: number): Promise<Rush> {
  const { eventId, reserved } = await stageHotEvent(system, seats);
  const tokens = await buyerTokens(system.mongodbUri, Math.ceil(requests / holdsPerBuyer));
  return { next: reserveRequests(eventId, tokens), reserved };
}

/** Puts an event of so many seats on sale. `reserved` may be asked once. */
export async function stageHotEvent(system: System, seats: number): Promise<HotEvent> {
  const bases = system.gateways.map(({ host, port }) => `http://${host}:${port}`);
  const http = new HttpClient(bases, 8);
  const eventId = await stageEvent(http, { title: 'One hot event', plan: seatGrid(seats) });
  return {
    eventId,
    async reserved() {
      await new Promise((resolve) => setTimeout(resolve, quietMs));
      const { body } = await http.send<{ counts: { reserved: number } }>(
        'GET',
        `/v1/events/${eventId}/availability`,
      );
      await http.close();
      return body.counts.reserved;
    },
  };
}

/** Requests for one best seat each, made as they are needed. */
function reserveRequests(eventId: string, tokens: readonly string[]): () => Buffer | undefined {
  const body = JSON.stringify({ eventId, best: { quantity: 1 } });
  const requests = holdsPerBuyer * tokens.length;
  let turn = 0;
  return () => {
    if (turn >= requests) return undefined;
    const token = tokens[buyerOf(turn, tokens.length)];
    const key = `bench-${turn++}`;
    return Buffer.from(
      `POST /v1/reserve HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n` +
        `idempotency-key: ${key}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
  };
}

/** New buyers in turn and, from the start of the second requests on, one of those in between. */
function buyerOf(turn: number, buyers: number): number {
  const lead = Math.min(buyersBetween, buyers);
  if (turn < lead) return turn;
  if (turn >= holdsPerBuyer * buyers - lead) return turn - buyers;
  const pair = Math.floor((turn - lead) / 2);
  return (turn - lead) % 2 === 0 ? pair : pair + lead;
}
