import { toUsherError } from '#broker/errors.ts';
import type { ExecuteReply } from '#contracts/inventory.contract.ts';
import { codeOf, type ErrorCode, UsherError } from '#domain/errors.ts';

/** Why an attempt to ask an inventory node did not end the matter. */
export type Failure =
  /** Another node owns the event; undefined: the node that was asked does not know which. */
  | { readonly kind: 'moved'; readonly owner: string | undefined }
  /** No answer. `reached`: the message may have got there. */
  | { readonly kind: 'silent'; readonly reached: boolean }
  | { readonly kind: 'final'; readonly error: UsherError };

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

/** `error`, or `outcome-unknown` where an earlier send is open and `error` settles nothing. */
export const ambiguous = (error: UsherError, earlierOpen: boolean): UsherError =>
  earlierOpen && undecided.has(error.code) ? new UsherError('outcome-unknown') : error;

/** Sorts the rejection of a whole message. */
export function failureOf(thrown: unknown): Failure {
  const error = toUsherError(thrown);
  if (error.code === 'moved' || error.code === 'not-owner') {
    return { kind: 'moved', owner: ownerOf(error.data) };
  }
  if (error.code === 'overloaded') return { kind: 'final', error };
  // `sent` tells the framework's failures, which are silences, from the node's own answers.
  const { sent } = error.data;
  if (typeof sent === 'boolean') return { kind: 'silent', reached: sent };
  if (error.code === 'unavailable') return { kind: 'silent', reached: false };
  return { kind: 'final', error };
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
