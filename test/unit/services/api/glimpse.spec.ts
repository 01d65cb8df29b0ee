import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventIdIn, glimpse } from '#services/api/glimpse.ts';

const body = '{"eventId":"evt_01J8Z3W6X7Y8Z9A0B1C2D3E4F5"}';
const request = (headers: string[], first = 'POST /v1/reserve HTTP/1.1', content = body): Buffer =>
  Buffer.from([first, ...headers, '', content].join('\r\n'));
const length = `Content-Length: ${body.length}`;

describe('a glimpse of a request', () => {
  it('shows method, address, request id and the event of one whole request', () => {
    const seen = glimpse(
      request(['host: a', length, 'x-request-id:  r-1 ', 'Connection: keep-alive']),
    );
    expect(seen).toMatchObject({ method: 'POST', target: '/v1/reserve', requestId: 'r-1' });
    expect(seen && eventIdIn(seen)).toBe('evt_01J8Z3W6X7Y8Z9A0B1C2D3E4F5');
  });

  it('takes the event of the address where the body names none', () => {
    const first = 'GET /v1/events/evt_01J8Z3W6X7Y8Z9A0B1C2D3E4F5/seats HTTP/1.1';
    const seen = glimpse(request(['host: a'], first, ''));
    expect(seen && eventIdIn(seen)).toBe('evt_01J8Z3W6X7Y8Z9A0B1C2D3E4F5');
  });

  it.each([
    ['no Host', request([length])],
    ['no length beside a body', request(['host: a'])],
    ['two lengths', request(['host: a', length, length])],
    ['a length that is too small', request(['host: a', `content-length: ${body.length - 1}`])],
    ['a length that is too large', request(['host: a', `content-length: ${body.length + 1}`])],
    ['a length that is no number', request(['host: a', `content-length: +${body.length}`])],
    ['chunks', request(['host: a', length, 'Transfer-Encoding: chunked'])],
    ['an Origin', request(['host: a', length, 'origin: http://b'])],
    ['a question before the body', request(['host: a', length, 'Expect: 100-continue'])],
    ['a wish to close', request(['host: a', length, 'connection: close'])],
    ['a change of protocol', request(['host: a', length, 'upgrade: h2c'])],
    ['a line without a colon', request(['host: a', length, 'nonsense'])],
    ['an older protocol', request(['host: a', length], 'POST /v1/reserve HTTP/1.0')],
    ['no end of its head', Buffer.from('POST /v1/reserve HTTP/1.1\r\nhost: a\r\n')],
    ['two requests', Buffer.concat([request(['host: a', length]), request(['host: a', length])])],
    ['more than a read holds', request(['host: a', length, `x: ${'y'.repeat(20_000)}`])],
  ])('is not to be had of %s', (_, bytes) => {
    expect(glimpse(bytes)).toBeUndefined();
  });

  it('never throws', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: fc.constantFrom('\r\n', ':', ' ', 'POST / HTTP/1.1\r\n', 'host', 'a') }),
    );
    fc.assert(fc.property(bytes, (any) => void glimpse(Buffer.from(any as string))));
  });
});
