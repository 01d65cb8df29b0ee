import { z } from 'zod';
import { closeDispute, disputeBy, openDispute } from '#adapters/payments/simulator/disputes.ts';
import { ApiError } from '#adapters/payments/simulator/errors.ts';
import { faultsSchema } from '#adapters/payments/simulator/faults.ts';
import type { Change, DisputeDoc } from '#adapters/payments/simulator/model.ts';
import type { World } from '#adapters/payments/simulator/world.ts';

const disputeOrder = z.union([
  z.strictObject({
    payment_intent: z.string(),
    reason: z.enum(['fraudulent', 'product_not_received', 'inquiry']).default('fraudulent'),
  }),
  z.strictObject({ dispute: z.string(), status: z.enum(['won', 'lost']) }),
]);

export type ControlAnswer = { readonly status: number; readonly body: unknown };

/**
 * `/_simulator/faults`: `GET`, `PUT` (or `POST`) and `DELETE` of what goes wrong;
 * `POST /_simulator/disputes`: opens one of a captured payment, or decides one. Undefined for other
 * paths.
 */
export async function control(
  world: World,
  method: string,
  path: string,
  text: string,
): Promise<ControlAnswer | undefined> {
  if (path !== '/_simulator/faults' && path !== '/_simulator/disputes') return undefined;
  const wanted = method === 'PUT' || method === 'POST' ? parsed(text) : undefined;
  if (wanted === 'not JSON') return { status: 400, body: { error: wanted } };
  return path === '/_simulator/faults'
    ? faults(world, method, wanted)
    : disputes(world, method, wanted);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return 'not JSON';
  }
}

function faults({ plan }: World, method: string, wanted: unknown): ControlAnswer {
  if (method === 'DELETE') plan.set(faultsSchema.parse({}));
  if (wanted !== undefined) {
    const found = faultsSchema.safeParse(wanted);
    if (!found.success) return { status: 422, body: { error: found.error.issues } };
    plan.set(found.data);
  }
  return { status: 200, body: plan.faults };
}

async function disputes(world: World, method: string, wanted: unknown): Promise<ControlAnswer> {
  if (method !== 'POST') return { status: 405, body: { error: 'POST only' } };
  const found = disputeOrder.safeParse(wanted);
  if (!found.success) return { status: 422, body: { error: found.error.issues } };
  const order = found.data;
  const id = 'dispute' in order ? order.dispute : order.payment_intent;
  try {
    return await world.inOrder(id, async () => {
      const change =
        'dispute' in order
          ? closeDispute(await disputeBy(world, id), order.status === 'won')
          : await opened(world, id, order.reason);
      if (change === undefined) return { status: 404, body: { error: 'nothing is captured' } };
      await world.commit(change, undefined, { id: null, idempotencyKey: null });
      const isDispute = (doc: Change['puts'][number]): doc is DisputeDoc => doc.kind === 'dispute';
      return { status: 200, body: change.puts.find(isDispute)?.body };
    });
  } catch (error) {
    if (error instanceof ApiError) return { status: error.status, body: { error: error.error } };
    throw error;
  }
}

async function opened(
  world: World,
  intentId: string,
  reason: 'fraudulent' | 'product_not_received' | 'inquiry',
): Promise<Change | undefined> {
  const intent = await world.store.find('payment_intent', intentId);
  const charge = intent === undefined ? undefined : await world.chargeOf(intent);
  if (charge === undefined || !charge.body.captured) return undefined;
  return openDispute(charge, reason, world.moment());
}
