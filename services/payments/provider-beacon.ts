import type { ServiceBroker } from 'moleculer';
import type { Cancel, Clock } from '#adapters/clock/port.ts';
import type { PaymentProvider } from '#adapters/payments/port.ts';
import { broadcast } from '#broker/events.ts';

const lookEveryMs = 250;
/** How often the others are told while the provider is away, and it is asked. */
const tellEveryMs = 1_000;

/**
 * Tells every node when the provider stops answering this one, each second while it does not, and
 * when it answers again. Asks it meanwhile: where nobody may check out, nobody else would find out.
 */
export function startBeacon(
  broker: ServiceBroker,
  provider: PaymentProvider,
  clock: Clock,
): { readonly stop: Cancel } {
  let away = false;
  let toldAt = 0;
  let cancel: Cancel = () => {};
  const tell = (answers: boolean): void => {
    toldAt = clock.monotonic();
    const { nodeID: nodeId } = broker;
    // Nothing depends on one of them arriving: the next says the same.
    broadcast(broker, 'payments.provider', { nodeId, answers }).catch(() => undefined);
  };
  const look = (): void => {
    const answers = provider.answers;
    const due = clock.monotonic() - toldAt >= tellEveryMs;
    if (!answers && (!away || due)) {
      tell(false);
      const now = clock.now();
      provider.list({ from: now - 1_000, to: now }).catch(() => undefined);
    }
    if (answers && away) tell(true);
    away = !answers;
    cancel = clock.after(lookEveryMs, look);
  };
  look();
  return { stop: () => cancel() };
}
