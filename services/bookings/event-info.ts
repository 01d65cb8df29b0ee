import type { ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import { call } from '#broker/call.ts';
import type { EventInfo } from '#domain/booking.ts';
import { Lru } from '#domain/lru.ts';

type Known = { readonly info: Promise<EventInfo | undefined>; readonly until: number };

/** Short: a buyer is promised what the public page says at that time. */
const keptMs = 10_000;
const missingKeptMs = 5_000;
const waitMs = 500;

/** What messages say about events. A catalogue that does not answer keeps nobody from booking. */
export class EventInfos {
  readonly #broker: ServiceBroker;
  readonly #clock: Clock;
  readonly #known = new Lru<Known>(1_000);

  constructor(broker: ServiceBroker, clock: Clock) {
    this.#broker = broker;
    this.#clock = clock;
  }

  /** Undefined when the catalogue cannot say; remembered for ten seconds. Never rejects. */
  async of(eventId: string): Promise<EventInfo | undefined> {
    const known = this.#known.get(eventId);
    const now = this.#clock.now();
    if (known !== undefined && known.until > now) return known.info;
    const info = this.#ask(eventId);
    this.#known.set(eventId, { info, until: now + keptMs });
    const found = await info;
    if (found === undefined) this.#known.set(eventId, { info, until: now + missingKeptMs });
    return found;
  }

  async #ask(eventId: string): Promise<EventInfo | undefined> {
    try {
      const event = await call(this.#broker, 'catalogue.event', { eventId }, { timeout: waitMs });
      return {
        name: event.title,
        startsAt: Date.parse(event.startsAt),
        timeZone: event.zone,
        venue: event.venue.name,
        refundRules: event.refundRules,
      };
    } catch {
      return undefined;
    }
  }
}
