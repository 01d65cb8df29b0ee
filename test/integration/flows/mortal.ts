import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { ProviderEvent } from '#adapters/payments/port.ts';
import type { Message } from '#domain/booking-messages.ts';
import type { HoldView } from '#domain/inventory/commands.ts';

/** What a core node in a process of its own is to do, and at which call of its ports it dies. */
export type Errand = {
  readonly mongodbUri: string;
  readonly natsUrl: string;
  readonly namespace: string;
  /** The provider. */
  readonly apiBase: string;
  readonly dieAt: number;
  readonly does: 'die-before' | 'die-after';
  readonly task:
    | {
        readonly do: 'checkout';
        readonly bookingId: string;
        readonly hold: HoldView;
        readonly token: string;
      }
    | { readonly do: 'cancel' | 'retry'; readonly bookingId: string }
    | { readonly do: 'relay'; readonly message: Message }
    | { readonly do: 'webhook'; readonly event: ProviderEvent };
};

const script = fileURLToPath(new URL('./mortal-process.ts', import.meta.url));

/** Runs the errand to its end; `killed` when it died on the way. */
export async function runErrand(errand: Errand): Promise<'killed' | 'done'> {
  const child = spawn(process.execPath, [script, JSON.stringify(errand)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const timer = setTimeout(() => child.kill('SIGTERM'), 60_000);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(timer);
  if (signal === 'SIGKILL') return 'killed';
  if (code === 0) return 'done';
  throw new Error(`an errand ended with ${code ?? signal}: ${said}`);
}
