import type { ExecuteReply } from '#contracts/inventory.contract.ts';
import { codeOf, dataOf, type ErrorCode, UsherError } from '#domain/errors.ts';

/** Why an attempt to ask an inventory node did not end the matter. */
export type Failure =
  /** Another node owns the event; undefined: the node that was asked does not know which. */
  | { readonly kind: 'moved'; readonly owner: string | undefined }
  /** No answer. `reached`: the message may have got there. */
  | { readonly kind: 'silent'; readonly reached: boolean }
  | { readonly kind: 'final'; readonly error: UsherError };

/** Moleculer's errors of a call that got no answer → may it have reached the node? */
const silences: Readonly<Record<string, boolean>> = {
  REQUEST_TIMEOUT: true,
  REQUEST_REJECTED: true,
  SERVICE_NOT_FOUND: false,
  SERVICE_NOT_AVAILABLE: false,
};

/** Codes that leave open whether an earlier, unanswered send of the same command had its effect. */
const undecided: ReadonlySet<ErrorCode> = new Set([
  'overloaded',
  'unavailable',
  'deadline-exceeded',
  'moving',
  'internal',
]);

const ownerOf = (data: unknown): string | undefined => {
  const owner = (data as { owner?: unknown } | undefined)?.owner;
  return typeof owner === 'string' ? owner : undefined;
};

/** Whatever was thrown, as an `UsherError` of the registry. */
export function toUsherError(error: unknown): UsherError {
  if (error instanceof UsherError) return error;
  const code = codeOf(error) ?? 'internal';
  const detail = code === 'internal' ? undefined : (error as Error).message;
  return new UsherError(code, detail, dataOf(error));
}

/** `error` itself, or `outcome-unknown` where an earlier send is open and `error` settles nothing. */
export const ambiguous = (error: UsherError, earlierOpen: boolean): UsherError =>
  earlierOpen && undecided.has(error.code) ? new UsherError('outcome-unknown') : error;

/** Sorts the rejection of a whole message. */
export function failureOf(error: unknown): Failure {
  const code = codeOf(error);
  if (code === 'moved' || code === 'not-owner') {
    return { kind: 'moved', owner: ownerOf(dataOf(error)) };
  }
  // The broker's error handler has put Moleculer's own errors into words; `sent` is what it knows.
  const { sent } = dataOf(error);
  if (code === 'deadline-exceeded' && sent === true) return { kind: 'silent', reached: true };
  if (code === 'unavailable') return { kind: 'silent', reached: sent === true };
  if (code !== undefined) return { kind: 'final', error: toUsherError(error) };
  const type = (error as { type?: unknown } | null)?.type;
  const reached = typeof type === 'string' ? silences[type] : undefined;
  if (reached !== undefined) return { kind: 'silent', reached };
  if (type === 'QUEUE_FULL') return { kind: 'final', error: new UsherError('overloaded') };
  return { kind: 'final', error: toUsherError(error) };
}

export type Settled =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: UsherError }
  | { readonly kind: 'moved'; readonly owner: string | undefined }
  | { readonly kind: 'unavailable' };

/** What one command's reply means. `earlierOpen`: an earlier send of it was not answered. */
export function settleReply(reply: ExecuteReply | undefined, earlierOpen: boolean): Settled {
  if (reply === undefined) {
    return { kind: 'error', error: new UsherError('outcome-unknown', 'A reply is missing') };
  }
  if (reply.ok) return { kind: 'value', value: reply.value };
  if (reply.code === 'moved' || reply.code === 'not-owner') {
    return { kind: 'moved', owner: ownerOf(reply.data) };
  }
  if (reply.code === 'unavailable') return { kind: 'unavailable' };
  const code = codeOf(reply) ?? 'internal';
  return {
    kind: 'error',
    error: ambiguous(new UsherError(code, reply.detail, reply.data), earlierOpen),
  };
}
