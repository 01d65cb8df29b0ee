import { connect } from 'nats';

export type NatsOptions = {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly reconnectTimeWait: number;
};

const reconnectMs = 500;

/** The client's options for `nats://user:password@host:port`, one or several with commas between. */
export function natsOptions(list: string): NatsOptions {
  const urls = list.split(',').map((url) => new URL(url.trim()));
  const { username, password } = urls[0] as URL;
  return {
    servers: urls.map(({ host }) => host),
    ...(username === '' ? {} : { user: decodeURIComponent(username) }),
    ...(password === '' ? {} : { pass: decodeURIComponent(password) }),
    reconnectTimeWait: reconnectMs,
  };
}

/** Waits until NATS answers; rejects with a sentence for the operator after `waitMs`. */
export async function checkNats(list: string, waitMs: number): Promise<void> {
  const options = natsOptions(list);
  try {
    const connection = await connect({
      ...options,
      servers: [...options.servers],
      waitOnFirstConnect: true,
      maxReconnectAttempts: Math.ceil(waitMs / reconnectMs),
      timeout: waitMs,
    });
    await connection.rtt();
    await connection.close();
  } catch (error) {
    throw new Error(
      `NATS at ${options.servers.join(', ')} (NATS_URL) cannot be reached within ` +
        `${waitMs / 1_000} s (${(error as Error).message})`,
    );
  }
}
