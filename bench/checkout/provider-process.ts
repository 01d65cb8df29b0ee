import diagnostics from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultSettings } from '#adapters/payments/simulator/faults.ts';
import { startSimulator } from '#adapters/payments/simulator/index.ts';
import { ProviderStore } from '#bench/checkout/provider-store.ts';

/** One request to the provider, from its arrival to its answer, the end of its socket, or now. */
export type ProviderRequest = {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | undefined;
  /** Epoch ms with fractions. */
  readonly from: number;
  readonly to: number;
  readonly answered: boolean;
};

export type ProviderSettings = {
  readonly port: number;
  readonly webhookUrl: string;
  readonly webhookSecret: string;
  readonly faults: FaultSettings;
};

/**
 * The payment provider in a process of its own, as it is one in life, with its objects in memory.
 * Sends `listening`, and to `take` the requests since the last time and the CPU seconds it has
 * used. Requests that have no answer yet are told of then, and again at their end.
 */
const settings = JSON.parse(process.argv[2] ?? '{}') as ProviderSettings;
let requests: ProviderRequest[] = [];
const open = new Set<Omit<ProviderRequest, 'to' | 'answered'>>();
const now = (): number => performance.timeOrigin + performance.now();

diagnostics.subscribe('http.server.request.start', (message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  const from = now();
  const key = request.headers['idempotency-key'];
  const begun = {
    method: request.method ?? '',
    path: request.url ?? '',
    idempotencyKey: typeof key === 'string' ? key : undefined,
    from,
  };
  open.add(begun);
  response.once('close', () => {
    open.delete(begun);
    requests.push({ ...begun, to: now(), answered: response.writableFinished });
  });
});

const store = new ProviderStore();
const simulator = await startSimulator({ ...settings, mongodbUri: '', store });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const bookingOfIntent = store.takeBookings();
  const to = now();
  const late = [...open].map((begun) => ({ ...begun, to, answered: false }));
  const all = [...requests, ...late];
  process.send?.({ requests: all, bookingOfIntent, cpuSeconds: (user + system) / 1e6 });
  requests = [];
});
process.on('SIGTERM', async () => {
  await simulator.stop();
  process.exit(0);
});
process.send?.('listening');
