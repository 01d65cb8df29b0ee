import type { ServiceBroker } from 'moleculer';
import type { Runtime } from '#mixins/runtime.ts';
import { seedDemo } from '#ops/demo/seed.ts';

const needs = ['accounts', 'venues', 'charts', 'catalogue', 'inventory', 'bundles', 'promotions'];
const waitMs = 30_000;

/**
 * Fills an empty catalogue where the settings ask for it, on a node with the role core. Answers a
 * line for the operator; a demo that cannot be made is told, and nothing else suffers.
 */
export async function openDemo(
  broker: ServiceBroker,
  runtime: Runtime,
): Promise<string | undefined> {
  const { demo, roles } = runtime.config;
  if (!demo || !roles.includes('core')) return undefined;
  try {
    await broker.waitForServices(needs, waitMs, 100);
    const made = await seedDemo(broker, runtime);
    if (made === undefined) return undefined;
    const { email, password } = made.organizer;
    return `organizer ${email}, password ${password}`;
  } catch (error) {
    return `could not be made (${(error as Error).message})`;
  }
}
