import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { invalidRequest } from '#broker/params.ts';
import { UsherError } from '#domain/errors.ts';

/**
 * The JSON object of a request's body; `{}` where there is none. Throws `unsupported-media-type`,
 * `body-too-large` (as soon as it is known), `malformed-json`, `invalid-request` (not an object).
 */
export async function readJson(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Readonly<Record<string, unknown>>> {
  if (!hasBody(request)) return {};
  if (!isJson(request.headers['content-type'])) throw new UsherError('unsupported-media-type');
  const text = await readText(request, bytesMax);
  if (text === '') return {};
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw invalidRequest([{ path: '', message: 'the body must be a JSON object' }]);
}

/** The body as text. Throws `body-too-large`, `unsupported-media-type`, `malformed-json`. */
export async function readText(request: IncomingMessage, bytesMax: number): Promise<string> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new UsherError('unsupported-media-type', 'compressed bodies are not taken');
  }
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const bytes = await readBytes(request, bytesMax);
  if (!isUtf8(bytes)) throw new UsherError('malformed-json', 'the body is not UTF-8');
  return bytes.toString('utf8');
}

function readBytes(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > bytesMax) settle(() => reject(tooLarge(bytesMax)));
      else chunks.push(chunk);
    };
    const onEnd = (): void =>
      settle(() =>
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
      );
    const onGone = (): void =>
      settle(() => reject(new UsherError('malformed-json', 'the body broke off')));
    const settle = (then: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('close', onGone);
      then();
    };
    request.on('data', onData).on('end', onEnd).on('close', onGone);
    request.on('error', onGone);
  });
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;
const isJson = (type: string | undefined): boolean =>
  type === 'application/json' || (type !== undefined && jsonType.test(type));

const tooLarge = (bytesMax: number): UsherError =>
  new UsherError('body-too-large', `the body may have ${bytesMax} bytes`, { bytesMax });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsherError('malformed-json');
  }
}
