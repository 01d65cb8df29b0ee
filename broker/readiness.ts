import type { ServiceBroker } from 'moleculer';
import type { Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { natsOf } from '#broker/nats.ts';

/** `ok`, or why not. */
export type Readiness = {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, string>>;
};

const checkMs = 2_000;

/**
 * Whether this node can do its work now: it has started and is not draining, MongoDB answers, with
 * a transporter NATS answers on the connection in use, and the services it depends on are there.
 */
export async function readiness(
  broker: ServiceBroker,
  db: Db,
  needs: readonly string[],
  clock: Clock,
): Promise<Readiness> {
  const nats = natsOf(broker);
  const checks = {
    node: broker.started ? 'ok' : 'starting or stopping',
    services: missingServices(broker, needs),
    mongodb: await outcome(db.admin().ping({ timeoutMS: checkMs }), clock),
    ...(nats ? { nats: await outcome(nats(), clock) } : {}),
  };
  return { ready: Object.values(checks).every((check) => check === 'ok'), checks };
}

function missingServices(broker: ServiceBroker, needs: readonly string[]): string {
  const there = broker.registry.getServiceList({ onlyAvailable: true, skipInternal: true });
  const names = new Set(there.map(({ name }: { name: string }) => name));
  const missing = needs.filter((name) => !names.has(name));
  return missing.length === 0 ? 'ok' : `missing: ${missing.join(', ')}`;
}

async function outcome(answer: Promise<unknown> | undefined, clock: Clock): Promise<string> {
  if (answer === undefined) return 'not connected';
  const late = Promise.withResolvers<string>();
  const cancel = clock.after(checkMs, () => late.resolve(`no answer within ${checkMs} ms`));
  const result = answer.then(
    () => 'ok',
    (error: Error) => error.message,
  );
  return Promise.race([result, late.promise]).finally(cancel);
}
