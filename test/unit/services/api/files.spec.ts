import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import type { Exchange } from '#services/api/exchange.ts';
import { webFiles } from '#services/api/files.ts';

/** What the start page may load and talk to. */
async function policyOf(paymentOrigin?: string): Promise<string> {
  const files = webFiles(paymentOrigin);
  const server = createServer((request, response) => {
    const exchange = { request, response, path: '/', requestId: 'r' } as Partial<Exchange>;
    files(exchange as Exchange, () => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => server.listen(0, resolve));
  try {
    const page = await fetch(`http://localhost:${(server.address() as AddressInfo).port}/`);
    expect(page.status).toBe(200);
    return page.headers.get('content-security-policy') ?? '';
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('the web page', () => {
  it('talks to its own server only', async () => {
    const policy = await policyOf();
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toContain('connect-src');
  });

  it('may talk to the stand-in of the payment provider besides, and to nobody else', async () => {
    const policy = await policyOf('http://127.0.0.1:4100');
    expect(policy).toContain("; connect-src 'self' http://127.0.0.1:4100");
    expect(policy).toContain("default-src 'self'");
  });
});
