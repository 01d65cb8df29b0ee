/** What one read shows of a request that it holds whole. */
export type Glimpse = {
  readonly method: string;
  readonly target: string;
  /** Of the header; undefined where there is none. */
  readonly requestId: string | undefined;
  readonly text: string;
  /** Where the body begins. */
  readonly bodyAt: number;
};

const bytesMax = 16_384;
const firstLine = /^([A-Z]+) (\/\S*) HTTP\/1\.1\r\n/;

/** With one of these a request is more than its bytes, or its answer needs more than a text. */
const special: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'origin',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Reads a request that is exactly these bytes: HTTP/1.1, one Host, one Content-Length at most, no
 * header that asks for more. Undefined for anything else, which is then Node's to understand.
 */
export function glimpse(bytes: Buffer): Glimpse | undefined {
  if (bytes.length > bytesMax) return undefined;
  const text = bytes.toString('latin1');
  const headEnd = text.indexOf('\r\n\r\n');
  const first = headEnd === -1 ? null : firstLine.exec(text);
  if (first === null) return undefined;
  const [{ length }, method = '', target = ''] = first;
  const headers = headersOf(text, length, headEnd + 2);
  if (headers === undefined || !headers.host) return undefined;
  const bodyAt = headEnd + 4;
  if (bodyAt + headers.length !== text.length) return undefined;
  return { method, target, requestId: headers.requestId, text, bodyAt };
}

type Headers = { host: boolean; length: number; requestId: string | undefined };

/** The headers that matter, of the lines from `at` to `end`; undefined: not to be judged here. */
function headersOf(text: string, from: number, end: number): Headers | undefined {
  const found: Headers = { host: false, length: 0, requestId: undefined };
  let lengths = 0;
  for (let at = from; at < end; ) {
    const lineEnd = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon >= lineEnd) return undefined;
    const name = text.slice(at, colon).toLowerCase();
    const value = (): string => text.slice(colon + 1, lineEnd).trim();
    if (special.has(name) && !(name === 'connection' && /^keep-alive$/i.test(value()))) {
      return undefined;
    }
    if (name === 'host') found.host = true;
    else if (name === 'x-request-id') found.requestId = value();
    else if (name === 'content-length') {
      if (++lengths > 1 || !/^\d{1,6}$/.test(value())) return undefined;
      found.length = Number(value());
    }
    at = lineEnd + 2;
  }
  return found;
}

const eventIdPattern = /evt_[0-7][0-9A-HJKMNP-TV-Z]{25}/;

/** The first event id in the body, or else in the address; a reservation's id names its event. */
export function eventIdIn({ text, bodyAt, target }: Glimpse): string | undefined {
  return (eventIdPattern.exec(text.slice(bodyAt)) ?? eventIdPattern.exec(target))?.[0];
}
