import { Errors, type ServiceBroker } from 'moleculer';
import { codeOf, dataOf, type ErrorCode, type FieldError, UsherError } from '#domain/errors.ts';

/**
 * What Moleculer itself throws, by its `type`. A request that timed out or lost its node may have
 * taken effect; `data.sent` says so, and whoever changed something reports the outcome as unknown.
 */
const frameworkErrors: Readonly<Record<string, readonly [ErrorCode, { readonly sent: boolean }]>> =
  {
    SERVICE_NOT_FOUND: ['unavailable', { sent: false }],
    SERVICE_NOT_AVAILABLE: ['unavailable', { sent: false }],
    REQUEST_REJECTED: ['unavailable', { sent: true }],
    BAD_GATEWAY: ['unavailable', { sent: false }],
    REQUEST_TIMEOUT: ['deadline-exceeded', { sent: true }],
    REQUEST_SKIPPED: ['deadline-exceeded', { sent: false }],
    QUEUE_FULL: ['overloaded', { sent: false }],
  };

/**
 * Whatever was thrown, here or on another node, as the one error class. Errors of the framework get
 * the registered code that fits; anything unknown becomes `internal` and says nothing of its cause.
 */
export function toUsherError(error: unknown): UsherError {
  if (error instanceof UsherError) return error;
  const code = codeOf(error);
  if (code !== undefined) return new UsherError(code, messageOf(error), dataOf(error));
  const type = (error as { type?: unknown } | null)?.type;
  if (typeof type !== 'string') return new UsherError('internal');
  if (type === 'VALIDATION_ERROR') {
    return new UsherError('invalid-request', undefined, { errors: validatorErrors(error) });
  }
  const known = frameworkErrors[type];
  return known === undefined
    ? new UsherError('internal')
    : new UsherError(known[0], undefined, known[1]);
}

/** True when the call may have taken effect although it failed (lost node, no answer in time). */
export const maybeDone = (error: UsherError): boolean =>
  error.code === 'outcome-unknown' || error.data.sent === true;

/**
 * Moleculer's global error handler: every failed call rejects with an `UsherError`. What is not one
 * of ours is logged once, where it was thrown, with its stack.
 */
export function errorHandler(this: ServiceBroker, error: Error, info: unknown): never {
  const usherError = toUsherError(error);
  if (usherError.code === 'internal' && usherError !== error) {
    const { ctx } = info as { ctx?: { requestID?: string; action?: { name?: string } } };
    this.logger.error('unexpected error', {
      action: ctx?.action?.name,
      requestId: ctx?.requestID,
      error: error.stack ?? String(error),
    });
  }
  throw usherError;
}

type PlainError = Errors.PlainMoleculerError;

/** Carries errors between nodes as code, sentence and data; never a stack. */
export class ErrorRegenerator extends Errors.Regenerator {
  private nodeId = '';

  override init(broker: ServiceBroker): void {
    this.nodeId = broker.nodeID;
  }

  override extractPlainError(error: Record<string, unknown>): PlainError {
    const { code, message, data } = toUsherError(error);
    const plain = { name: 'UsherError', message, nodeID: this.nodeId, type: code, data };
    return { ...plain, code: 0, retryable: false, stack: '' };
  }

  override restore(plain: PlainError): UsherError {
    return toUsherError(plain);
  }
}

const messageOf = (error: unknown): string | undefined => {
  const message = (error as { message?: unknown } | null)?.message;
  return typeof message === 'string' && message !== '' ? message : undefined;
};

/** Field errors of the framework's own validator (`$node.*` only). */
function validatorErrors(error: unknown): FieldError[] {
  const data = (error as { data?: unknown }).data;
  const list = Array.isArray(data) ? (data as { field?: unknown; message?: unknown }[]) : [];
  return list.map(({ field, message }) => ({ path: String(field), message: String(message) }));
}
