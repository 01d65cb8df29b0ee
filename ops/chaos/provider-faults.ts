import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultSettings } from '#adapters/payments/simulator/faults.ts';
import type { Fault } from '#ops/chaos/faults.ts';

const settleMs = 10_000;

async function setFaults(simulatorUrl: string, settings: FaultSettings): Promise<void> {
  const answer = await fetch(`${simulatorUrl}/_simulator/faults`, {
    method: 'PUT',
    body: JSON.stringify(settings),
    signal: AbortSignal.timeout(settleMs),
  });
  if (!answer.ok) throw new Error(`The provider takes no faults: ${await answer.text()}`);
}

/** What goes wrong at the payment provider for some seconds; `longest` with a force of 1. */
function trouble(
  name: string,
  what: string,
  longestMs: number,
  settingsOf: (force: number) => FaultSettings,
): Fault {
  return {
    name,
    what,
    run: async ({ cluster, busy, say }, { force }) => {
      if (busy.has('provider')) return false;
      busy.add('provider');
      const ms = Math.round(longestMs * (0.3 + 0.7 * force));
      say(`${what}, for ${ms} ms`);
      try {
        await setFaults(cluster.provider.url, settingsOf(force));
        await sleep(ms);
      } finally {
        await setFaults(cluster.provider.url, {});
        busy.delete('provider');
      }
      return true;
    },
  };
}

/** What a payment provider does to those who rely on it. */
export const providerFaults: readonly Fault[] = [
  trouble(
    'provider-unsure',
    'the provider does what it is asked, and often does not say so',
    12_000,
    (force) => ({
      rules: [
        { kind: 'timeout', after: true, share: 0.05 + 0.1 * force },
        { kind: 'disconnect', after: true, share: 0.1 },
        { kind: 'error', after: true, share: 0.1 },
        { kind: 'error', share: 0.1 },
        { kind: 'rate-limit', share: 0.05 },
      ],
    }),
  ),
  trouble('provider-down', 'the provider answers nothing but errors', 8_000, (force) => ({
    rules: [{ kind: force < 0.5 ? 'error' : 'disconnect' }],
  })),
  trouble(
    'webhooks-lost',
    'webhooks are lost, late, doubled and out of order',
    12_000,
    (force) => ({
      webhooks: { lost: 0.3 * force, late: 0.3, lateMs: 3_000, doubled: 0.4, reordered: 0.5 },
    }),
  ),
];
