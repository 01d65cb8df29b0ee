import type { ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import { GroupCommit } from '#adapters/store/group-commit.ts';
import { messageBounds } from '#adapters/store/group-take.ts';
import { call } from '#broker/call.ts';
import type { Message } from '#domain/booking-messages.ts';
import { hasCode } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

type Delivery = { readonly message: Message; refused?: unknown };

/** Seats of the messages of one call, one more for each message: it must fit one NATS message. */
const seatsPerCallMax = 1_024;

/** Hands messages to the messages service, those of one moment together; resolves once stored. */
export function deliveryTo(broker: ServiceBroker, clock: Clock) {
  const group = new GroupCommit<Delivery>({
    clock,
    ...messageBounds,
    groupMax: limits.messagesPerCallMax,
    write: async (deliveries) => {
      for (const some of loadsOf(deliveries)) await deliver(broker, some);
    },
  });
  return async (message: Message): Promise<void> => {
    if (message.silent === true) return;
    const delivery: Delivery = { message };
    await group.add(delivery);
    if (delivery.refused !== undefined) throw delivery.refused;
  };
}

/** One that is against the contract is refused alone. */
async function deliver(broker: ServiceBroker, deliveries: readonly Delivery[]): Promise<void> {
  const messages = deliveries.map(({ message: { key, kind, to, data } }) => ({
    key,
    kind,
    to,
    data,
  }));
  try {
    await call(broker, 'messages.deliver', { messages });
  } catch (error) {
    if (!hasCode(error, 'invalid-request')) throw error;
    if (deliveries.length > 1) for (const one of deliveries) await deliver(broker, [one]);
    else for (const one of deliveries) one.refused = error;
  }
}

function* loadsOf(deliveries: readonly Delivery[]): Generator<readonly Delivery[]> {
  let load: Delivery[] = [];
  let seats = 0;
  for (const delivery of deliveries) {
    const own = 1 + seatsIn(delivery.message);
    if (load.length > 0 && seats + own > seatsPerCallMax) {
      yield load;
      [load, seats] = [[], 0];
    }
    load.push(delivery);
    seats += own;
  }
  yield load;
}

const seatsIn = ({ data }: Message): number => (Array.isArray(data.seats) ? data.seats.length : 0);
