import { buyerTokens } from '#bench/path/buyers.ts';
import type { System } from '#bench/path/systems.ts';
import { HttpClient } from '#bench/support/http.ts';
import { seatGrid, stageEvent } from '#bench/support/organizer.ts';

/** Buyers who all want one seat of the same event. */
export type Rush = {
  /** The next request, whole; undefined when there are no more. */
  readonly next: () => Buffer | undefined;
  /** Seats of the event that are reserved, as its view shows them when all is quiet. */
  readonly reserved: () => Promise<number>;
};

const quietMs = 1_500;
/** Live holds that one buyer may have. */
const holdsPerBuyer = 2;

/** Puts an event of so many seats on sale and prepares the tokens for so many requests. */
export async function stageRush(system: System, seats: number, requests: number): Promise<Rush> {
  const bases = system.gateways.map(({ host, port }) => `http://${host}:${port}`);
  const http = new HttpClient(bases, 8);
  const eventId = await stageEvent(http, { title: 'One hot event', plan: seatGrid(seats) });
  const tokens = await buyerTokens(system.mongodbUri, Math.ceil(requests / holdsPerBuyer));
  return {
    next: reserveRequests(eventId, tokens),
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
  let turn = 0;
  return () => {
    const token = tokens[turn % tokens.length];
    if (turn >= holdsPerBuyer * tokens.length) return undefined;
    const key = `bench-${turn++}`;
    return Buffer.from(
      `POST /v1/reserve HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${token}\r\n` +
        `idempotency-key: ${key}\r\ncontent-type: application/json\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`,
    );
  };
}
