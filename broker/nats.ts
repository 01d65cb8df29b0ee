import type { ServiceBroker } from 'moleculer';
import { connect } from 'nats';
import type { Clock } from '#adapters/clock/port.ts';

export type NatsOptions = {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly reconnectTimeWait: number;
  readonly pingInterval: number;
};

const reconnectMs = 500;
/** A connection that swallows everything is given up after three of these. */
const pingMs = 5_000;

/** The client's options for `nats://user:password@host:port`, or several with commas between. */
export function natsOptions(list: string): NatsOptions {
  const urls = list.split(',').map((url) => new URL(url.trim()));
  const { username, password } = urls[0] as URL;
  return {
    servers: urls.map(({ host }) => host),
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { pass: decodeURIComponent(password) }),
    reconnectTimeWait: reconnectMs,
    pingInterval: pingMs,
  };
}

/** Waits until NATS answers; rejects with a sentence for the operator after `waitMs`. */
export async function checkNats(list: string, waitMs: number, clock: Clock): Promise<void> {
  const { servers, ...options } = natsOptions(list);
  const deadline = clock.monotonic() + waitMs;
  for (;;) {
    try {
      const connection = await connect({ ...options, servers, timeout: waitMs, reconnect: false });
      await connection.rtt();
      return await connection.close();
    } catch (error) {
      if (clock.monotonic() < deadline) await clock.sleep(reconnectMs);
      else throw unreachable(servers, waitMs, error as Error);
    }
  }
}

const unreachable = (servers: readonly string[], waitMs: number, { message }: Error): Error =>
  new Error(
    `NATS at ${servers.join(', ')} (NATS_URL) cannot be reached within ${waitMs / 1_000} s ` +
      `(${message})`,
  );

/** What is used of the transporter, which Moleculer does not type. */
type Transit = { tx?: { client?: { rtt(): Promise<number> } | null } } | undefined;

/**
 * Asks NATS for an answer on the broker's connection in use: rejects, or stays open, where there is
 * none. Undefined for a broker without a transporter.
 */
export function natsOf(broker: ServiceBroker): (() => Promise<number>) | undefined {
  const transit = broker.transit as unknown as Transit;
  if (!transit) return undefined;
  return async () => {
    const client = transit.tx?.client;
    if (!client) throw new Error('not connected');
    return client.rtt();
  };
}
