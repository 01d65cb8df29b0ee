import type { UsherContext } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { UsherError } from '#domain/errors.ts';

/** Who asks. Rejects with `unauthenticated` when nobody is logged in. */
export function callerOf(ctx: UsherContext): Caller {
  const { caller } = ctx.meta;
  if (caller === undefined) throw new UsherError('unauthenticated');
  return caller;
}

/** Epoch ms until which this request may take: what the caller set, but never beyond `waitMs`. */
export function deadlineOf(ctx: UsherContext, now: number, waitMs: number): number {
  return Math.min(ctx.meta.deadlineAt ?? Number.POSITIVE_INFINITY, now + waitMs);
}
