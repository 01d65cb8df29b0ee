import { decodeJwt } from 'jose';
import { MongoClient } from 'mongodb';
import { AccountsStore } from '#adapters/store/accounts.ts';
import { buyerTokens } from '#bench/path/buyers.ts';
import type { HttpClient } from '#bench/support/http.ts';
import { inParallel } from '#bench/support/stats.ts';

/** A buyer with seats on hold, about to pay. */
export type Cart = { readonly token: string; readonly reservationId: string };

export type Bought = {
  readonly bookingId: string | undefined;
  /** `confirmed`, what else the booking became, or the refusal. */
  readonly outcome: string;
  /** Epoch ms with fractions. */
  readonly at: number;
};

const holdsAtOnce = 64;
const holdsPerBuyer = 2;
const patienceMs = 60_000;
const triesMax = 8;
export const now = (): number => performance.timeOrigin + performance.now();

/** Puts `count` best seats on hold, one for each cart, two carts for each buyer. */
export async function fillCarts(
  http: HttpClient,
  mongodbUri: string,
  eventId: string,
  count: number,
): Promise<Cart[]> {
  const tokens = await buyerTokens(mongodbUri, Math.ceil(count / holdsPerBuyer));
  await openAccounts(mongodbUri, tokens);
  const carts: Cart[] = [];
  await inParallel(count, holdsAtOnce, async (i) => {
    const token = tokens[i % tokens.length] as string;
    const answer = await http.send<{ reservationId: string }>('POST', '/v1/reserve', {
      token,
      idempotencyKey: `cart-${i}`,
      body: { eventId, best: { quantity: 1 } },
    });
    if (answer.status === 200) carts.push({ token, reservationId: answer.body.reservationId });
  });
  if (carts.length < count) throw new Error(`Only ${carts.length} of ${count} holds were given.`);
  return carts;
}

/** From the checkout to its end: one request, whose answer waits for the news. */
export async function buy(http: HttpClient, { token, reservationId }: Cart): Promise<Bought> {
  const request = {
    token,
    idempotencyKey: `buy-${reservationId}`,
    headers: { prefer: 'wait=20' },
    body: { reservationId, payment: { method: 'card', token: 'pm_card_visa' } },
  };
  type View = { bookingId: string; status: string; code?: string };
  const ask = () => http.send<View>('POST', '/v1/checkout', request).catch(() => undefined);
  let asked = await ask();
  for (let tries = 1; tries < triesMax && (asked?.status ?? 503) === 503; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 250 * tries));
    asked = await ask();
  }
  if (asked?.status !== 200 && asked?.status !== 202) {
    const outcome = asked?.body.code ?? `checkout ${asked?.status ?? 'without an answer'}`;
    return { bookingId: undefined, outcome, at: now() };
  }
  const { bookingId } = asked.body;
  for (let seen: typeof asked | undefined = asked, until = now() + patienceMs; now() < until; ) {
    const status = seen?.status === 200 ? seen.body.status : undefined;
    if (status !== undefined && status !== 'pending' && status !== 'selling') {
      return { bookingId, outcome: status, at: now() };
    }
    seen = await http
      .send<View>('GET', `/v1/bookings/${bookingId}?wait=20`, { token })
      .catch(() => undefined);
  }
  return { bookingId, outcome: 'unknown', at: now() };
}

/** Mails go to accounts; signing so many people up would measure password hashing. */
async function openAccounts(mongodbUri: string, tokens: readonly string[]): Promise<void> {
  const client = new MongoClient(mongodbUri);
  try {
    const accounts = new AccountsStore(client.db());
    await inParallel(tokens.length, 32, (i) => {
      const userId = String(decodeJwt(tokens[i] as string).sub);
      return accounts.add({
        userId,
        email: `${userId}@checkout.example`,
        name: `Buyer ${i}`,
        passwordHash: 'none',
        roles: ['buyer'],
        organizers: [],
        createdAt: Date.now(),
      });
    });
  } finally {
    await client.close();
  }
}
