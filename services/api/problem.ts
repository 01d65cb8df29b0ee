import { STATUS_CODES } from 'node:http';
import { maybeDone, toUsherError } from '#broker/errors.ts';
import { type ErrorCode, errorRegistry, UsherError } from '#domain/errors.ts';
import { commonHeaders, type Exchange, end } from '#services/api/exchange.ts';
import { innerCodes } from '#services/api/operation.ts';

const unsafe = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

/** A retryable refusal without a time of its own: try again after this long. */
const retryAfterDefaultSeconds = 1;

/** Where a code is explained: the `type` of its problem document. */
export const problemType = (code: ErrorCode): string => `/problems/${code}`;

/**
 * What a caller outside is told of an error: codes of the talk between nodes become `moving`, and a
 * change that may have taken effect although no answer came becomes `outcome-unknown`.
 */
export function outward(error: unknown, method: string): UsherError {
  const known = toUsherError(error);
  if (innerCodes.has(known.code)) return new UsherError('moving');
  const open = known.code !== 'outcome-unknown' && unsafe.has(method) && maybeDone(known);
  return open ? new UsherError('outcome-unknown') : known;
}

/** The RFC 9457 document. Data of an error on our side stays here. */
export function problemDocument(error: UsherError, requestId: string): Record<string, unknown> {
  const { code, status, data } = error;
  const { title } = errorRegistry[code];
  const detail = code === 'internal' ? title : error.message;
  const own = { type: problemType(code), title, status, detail, code, requestId };
  return status < 500 ? { ...data, ...own } : own;
}

/**
 * Seconds for `Retry-After`: what the error's data says (`retryAfterSeconds` or `retryAfterMs`),
 * else one for a retryable error.
 */
export function retryAfterSeconds({ data, retryable }: UsherError): number | undefined {
  const { retryAfterSeconds: seconds, retryAfterMs: ms } = data;
  const own = typeof seconds === 'number' ? seconds : Number(ms) / 1_000;
  if (own > 0 && Number.isFinite(own)) return Math.ceil(own);
  return retryable ? retryAfterDefaultSeconds : undefined;
}

/** The whole answer as text, for a connection that Node's HTTP server does not answer on. */
export function problemMessage(
  error: UsherError,
  requestId: string,
  connection: 'close' | 'keep-alive',
): string {
  const body = JSON.stringify(problemDocument(error, requestId));
  const retryAfter = retryAfterSeconds(error);
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `X-Request-Id: ${requestId}`,
    'X-Content-Type-Options: nosniff',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    ...(retryAfter === undefined ? [] : [`Retry-After: ${retryAfter}`]),
    `Connection: ${connection}`,
    '',
    body,
  ].join('\r\n');
}

/** The same for an error that is answered many times a second: most of it is made once. */
export function frequentMessage(error: UsherError): (requestId: string) => string {
  const sample = 'x'.repeat(26);
  const parts = problemMessage(error, sample, 'keep-alive').split(sample);
  return (requestId) =>
    requestId.length === sample.length
      ? parts.join(requestId)
      : problemMessage(error, requestId, 'keep-alive');
}

/** Answers an error. Where the answer has begun already, the connection is closed instead. */
export function sendProblem(
  exchange: Exchange,
  error: UsherError,
  dropBytesMax: number,
  extra: Readonly<Record<string, string>> = {},
): void {
  const { response, requestId } = exchange;
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = JSON.stringify(problemDocument(error, requestId));
  const retryAfter = retryAfterSeconds(error);
  response.writeHead(error.status, {
    ...commonHeaders(requestId),
    'Content-Type': 'application/problem+json',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    ...(retryAfter === undefined ? {} : { 'Retry-After': retryAfter }),
    ...(error.status === 401 ? { 'WWW-Authenticate': 'Bearer realm="usher"' } : {}),
    ...extra,
  });
  end(exchange, body, dropBytesMax);
}
