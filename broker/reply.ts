import type { Context } from 'moleculer';

/** How the HTTP answer of an action differs from what its contract says. */
export type HttpReply = {
  /** Instead of the contract's `success`: 302, 304, … */
  readonly status?: number;
  /** `ETag`, `Location`, `Cache-Control`, `Idempotent-Replayed`, … */
  readonly headers?: Readonly<Record<string, string>>;
  /** The result as JSON text, where it stands ready; only for actions placed `local`. */
  readonly json?: Buffer;
};

type Noted = HttpReply & { readonly action: string };

/**
 * Notes status or headers for the HTTP answer of the action that runs in `ctx`; called twice, the
 * notes are merged. It has no effect on a call from another service: the note carries the action's
 * name, and the gateway heeds only that of the action it called.
 */
export function reply(ctx: Context, how: HttpReply): void {
  const action = ctx.action?.name ?? '';
  const before = replyOf(ctx.meta, action);
  const noted: Noted = {
    ...before,
    ...how,
    action,
    headers: { ...before?.headers, ...how.headers },
  };
  (ctx.meta as { $reply?: Noted }).$reply = noted;
}

/** What `action` noted for its answer in this meta, if it did. */
export function replyOf(meta: unknown, action: string): HttpReply | undefined {
  const noted = (meta as { $reply?: Noted } | undefined)?.$reply;
  return noted?.action === action ? noted : undefined;
}
