import { hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { HttpReply } from '#broker/reply.ts';
import type { HttpMapping } from '#contracts/contract.ts';
import type { Limits } from '#domain/limits.ts';
import { commonHeaders, type Exchange, end } from '#services/api/exchange.ts';
import type { Operation } from '#services/api/operation.ts';

const compress = promisify(gzip);
export const jsonType = 'application/json; charset=utf-8';
const emptyStatuses = new Set([204, 304]);

/**
 * Sends the result of an action as its contract and its own notes (`reply`) say. Results are JSON;
 * with another `mediaType` a string, a Buffer or a Readable is sent as it is. A GET gets an ETag
 * (weak: the same for every encoding) and is answered with 304 where the client has it already.
 */
export async function sendResult(
  exchange: Exchange,
  operation: Operation,
  result: unknown,
  noted: HttpReply | undefined,
  limits: Limits,
): Promise<void> {
  const { http } = operation;
  const status = noted?.status ?? http.success;
  const headers: Record<string, string | number> = {
    ...commonHeaders(exchange.requestId),
    'Cache-Control': http.cacheControl ?? 'no-store',
    ...noted?.headers,
  };
  if (result instanceof Readable)
    return sendReadable(exchange, status, http.mediaType, result, headers);
  if (emptyStatuses.has(status) || result === undefined || result === null) {
    return sendEmpty(exchange, status, headers, limits);
  }
  const text = noted?.json ?? textOf(result, http);
  headers['Content-Type'] = http.mediaType ?? jsonType;
  if (http.method === 'GET' && status === 200) {
    headers.ETag ??= etagOf(text);
    if (matches(exchange.request.headers['if-none-match'], String(headers.ETag))) {
      delete headers['Content-Type'];
      return sendEmpty(exchange, 304, headers, limits);
    }
  }
  await sendText(exchange, status, headers, text, limits);
}

const zipped = new WeakMap<Buffer, Promise<Buffer>>();

/** Compresses a body; one that is sent many times is compressed once. */
function compressed(body: Buffer): Promise<Buffer> {
  let result = zipped.get(body);
  if (result === undefined) {
    result = compress(body, { level: 5 });
    zipped.set(body, result);
  }
  return result;
}

/** Sends a text, compressed when it is large and the client takes it. */
export async function sendText(
  exchange: Exchange,
  status: number,
  headers: Record<string, string | number>,
  text: string | Buffer,
  limits: Limits,
): Promise<void> {
  // A short text goes out as it is: Node joins head and body to one write only for strings.
  let body: string | Buffer = text;
  if (Buffer.byteLength(text) >= limits.compressFromBytes) {
    headers.Vary = 'Accept-Encoding';
    if (takesGzip(exchange.request.headers['accept-encoding'])) {
      body = await compressed(typeof text === 'string' ? Buffer.from(text) : text);
      headers['Content-Encoding'] = 'gzip';
    }
  }
  headers['Content-Length'] = Buffer.byteLength(body);
  if (exchange.response.destroyed) return;
  exchange.response.writeHead(status, headers);
  end(exchange, body, limits.refusedBodyBytesMax);
}

function sendEmpty(
  exchange: Exchange,
  status: number,
  headers: Record<string, string | number>,
  limits: Limits,
): void {
  if (!emptyStatuses.has(status)) headers['Content-Length'] = 0;
  exchange.response.writeHead(status, headers);
  end(exchange, undefined, limits.refusedBodyBytesMax);
}

async function sendReadable(
  { response }: Exchange,
  status: number,
  mediaType: string | undefined,
  result: Readable,
  headers: Record<string, string | number>,
): Promise<void> {
  response.writeHead(status, { ...headers, 'Content-Type': mediaType ?? jsonType });
  await pipeline(result, response);
}

/** A result as it is sent: JSON, or where the contract names a media type the text itself. */
export const textOf = (result: unknown, { mediaType }: HttpMapping): string | Buffer =>
  mediaType !== undefined && (typeof result === 'string' || Buffer.isBuffer(result))
    ? result
    : JSON.stringify(result);

/** Weak: the same for every encoding. */
export const etagOf = (text: string | Buffer): string => `W/"${hash('sha1', text, 'base64url')}"`;

/** Whether an If-None-Match header names this ETag (weak comparison, RFC 9110). */
export function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  const opaque = etag.replace(/^W\//, '');
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === opaque);
}

/** Whether an Accept-Encoding header names gzip, and not with `q=0`. */
export const takesGzip = (header: string | string[] | undefined): boolean =>
  typeof header === 'string' && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|\s|$))/i.test(header);
