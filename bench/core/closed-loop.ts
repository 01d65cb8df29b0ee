import type { Engine, Order } from '#bench/core/engine.ts';
import { Samples } from '#bench/support/stats.ts';

export type EngineRun = {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Reservations answered and stored; a run whose figures disagree counts for nothing. */
  readonly answered: number;
  readonly stored: number;
  readonly distinctSeats: number;
};

/**
 * Drives one engine from `width` callers that each wait for their answer, for `seconds` or until
 * `seats` are gone. Every tenth request asks for a seat that was asked for before, so that an
 * engine has to refuse as well.
 */
export async function closedLoop(
  engine: Engine,
  options: { readonly width: number; readonly seconds: number; readonly seats: number },
): Promise<EngineRun> {
  const orders = ordersFor(options.seats);
  await engine.prepare(options.seats, orders);
  const latency = new Samples();
  let next = 0;
  let taken = 0;
  const started = performance.now();
  const until = started + options.seconds * 1_000;
  const lane = async (): Promise<void> => {
    while (next < orders.length) {
      const sentAt = performance.now();
      if (sentAt >= until) return;
      if (await engine.reserve(next++)) {
        taken++;
        latency.add(performance.now() - sentAt);
      }
    }
  };
  await Promise.all(Array.from({ length: options.width }, lane));
  const seconds = (performance.now() - started) / 1_000;
  const { reservations, distinctSeats } = await engine.count();
  return {
    perSecond: taken / seconds,
    p50Ms: latency.quantile(0.5),
    p99Ms: latency.quantile(0.99),
    answered: taken,
    stored: reservations,
    distinctSeats,
  };
}

/** A run scores only when every answer stands in the store and no seat is there twice. */
export const isHonest = (run: EngineRun): boolean =>
  run.answered === run.stored && run.stored === run.distinctSeats;

/** Every tenth order asks for a seat that was asked for before. */
function ordersFor(seats: number): readonly Order[] {
  const order = shuffled(seats);
  return order.map((seat, turn) => ({
    seat: turn % 10 === 9 ? (order[turn - 5] as number) : seat,
    buyer: `buyer-${turn}`,
  }));
}

function shuffled(count: number): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
