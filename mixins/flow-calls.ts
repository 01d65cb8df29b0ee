import type { ServiceBroker } from 'moleculer';
import { call } from '#broker/call.ts';
import { broadcast, type EventName, type PayloadOf } from '#broker/events.ts';
import type { PaymentsPort } from '#flows/ports.ts';

/** Flows run by themselves: their calls start from the broker, under no caller's deadline. */
export const paymentsPort = (broker: ServiceBroker): PaymentsPort => ({
  create: (intent) => call(broker, 'payments.create', intent),
  authorise: (payment) => call(broker, 'payments.authorise', payment),
  withdraw: (payment) => call(broker, 'payments.withdraw', payment),
  confirm: (confirmation) => call(broker, 'payments.confirm', confirmation),
  read: (intent) => call(broker, 'payments.read', intent),
  capture: (intent) => call(broker, 'payments.capture', intent),
  cancel: (intent) => call(broker, 'payments.cancel', intent),
  refund: (refund) => call(broker, 'payments.refund', refund),
});

/** Tells every node. Nothing depends on it: does not wait, and one that fails is forgotten. */
export function announce<K extends EventName>(
  broker: ServiceBroker,
  name: K,
  payload: PayloadOf<K>,
): void {
  broadcast(broker, name, payload).catch(() => undefined);
}
