import type { Ids } from '#adapters/ids/port.ts';
import type { EventSweeps } from '#adapters/store/event-sweeps.port.ts';
import { MemoryEventSweeps } from '#adapters/store/memory-event-sweeps.ts';
import type { Booking, EventInfo } from '#domain/booking.ts';
import { type EventNews, openSweep } from '#domain/event-sweep.ts';
import type { RefundRules } from '#domain/refund-rules.ts';
import { EventSweepWorker } from '#flows/event-sweep.worker.ts';
import type { Desk } from '#services/bookings/desk.ts';
import { noteDispute } from '#services/bookings/disputes.ts';
import { giveGoodwill } from '#services/bookings/goodwill.ts';
import type { Chance } from '#test/simulation/chance.ts';

/** The rules of a run: most of the time all is returned. */
const rulesOf = (chance: Chance): RefundRules | undefined =>
  chance.pick([
    undefined,
    undefined,
    {
      tiers: [{ untilHoursBefore: 0, basisPoints: chance.int(0, 10_000) }],
      feePerTicket: chance.int(0, 300),
      returnServiceFees: chance.hits(0.5),
    },
  ]);

const startsAt = 3_000_000_000_000;

/** What befalls bookings that were sold: news of their event, disputes, and goodwill. */
export class Aftermath {
  readonly sweeps = new MemoryEventSweeps();
  readonly #event: EventInfo;
  readonly #reached: (branch: string) => void;
  #news = 0;

  constructor(chance: Chance, reached: (branch: string) => void) {
    const refundRules = rulesOf(chance);
    this.#event = { name: 'A play', startsAt, timeZone: 'UTC', venue: 'A house', refundRules };
    this.#reached = reached;
  }

  /** What the catalogue says of any event. */
  readonly eventOf = async (): Promise<EventInfo> => this.#event;

  /** All bookings of the event are cancelled, or hear of a new date. */
  announce(eventId: string, chance: Chance, now: number): void {
    const no = ++this.#news;
    const event = { ...this.#event, startsAt: startsAt + no * 1_000 };
    const news: EventNews = chance.hits(0.5)
      ? { kind: 'cancelled' }
      : { kind: 'postponed', no, event, refundUntil: startsAt };
    this.#reached(`news: ${news.kind}`);
    void this.sweeps.begin(openSweep(eventId, no, news, now));
  }

  /** Brings news to bookings, on the node of this desk. */
  sweeper(desk: Desk, sweeps: EventSweeps, ids: Ids): EventSweepWorker {
    const { store, worker, relay, clock } = desk;
    return new EventSweepWorker({
      sweeps,
      store,
      clock,
      ids,
      running: () => worker.running,
      changed: (_before, { booking, messages }) => {
        relay.relay(messages);
        if (booking.dueAt !== undefined) worker.run(booking);
      },
      trouble: () => this.#reached('news: a booking is told again'),
    });
  }

  /** No news are still on their way. */
  get isOver(): boolean {
    return this.sweeps.contents.every(({ state }) => state === 'done');
  }

  /** News of a dispute that a node died of are brought again. */
  async decide(desk: Desk, { bookingId, disputes = [] }: Booking): Promise<void> {
    for (const { disputeId, state } of disputes) {
      if (state === 'open') await noteDispute(desk, bookingId, { disputeId, state: 'won' });
    }
  }

  /** Something that a sold booking may meet with. */
  async befall(desk: Desk, { bookingId }: Booking, chance: Chance): Promise<void> {
    const find = async (): Promise<Booking> => {
      const found = await desk.store.find(bookingId);
      if (found === undefined) throw new Error('it is gone');
      return found;
    };
    if (chance.hits(0.5)) {
      const wish = {
        amount: chance.int(1, 2_000),
        bornBy: chance.pick(['organizer', 'platform'] as const),
        key: chance.ids().ulid(),
        by: 'usr_support',
        note: 'sorry',
      };
      await giveGoodwill(desk, find, wish);
      this.#reached('booking: goodwill');
      return;
    }
    const disputeId = `dp_${chance.int(1, 2)}`;
    for (const state of ['open', chance.pick(['won', 'lost'] as const)] as const) {
      await noteDispute(desk, bookingId, { disputeId, state });
      this.#reached(`booking: dispute ${state}`);
    }
  }
}
