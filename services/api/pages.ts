import { readFileSync } from 'node:fs';
import type { ServiceContract } from '#contracts/contract.ts';
import { type ErrorCode, errorRegistry, UsherError } from '#domain/errors.ts';
import type { Limits } from '#domain/limits.ts';
import { etagOf, matches, sendText } from '#services/api/answer.ts';
import { commonHeaders } from '#services/api/exchange.ts';
import { pageHeaders } from '#services/api/files.ts';
import type { Gateway } from '#services/api/gateway.ts';
import { openApiDocument } from '#services/api/openapi.ts';
import { problemType } from '#services/api/problem.ts';
import type { Aliases, Route } from '#services/api/router.ts';

type Page = { readonly type: string; readonly text: string; readonly etag: string };

const page = (type: string, text: string): Page => ({
  type,
  text,
  etag: etagOf(text),
});

/**
 * What the gateway itself answers: the OpenAPI document, its page, and what every error code means
 * (the `type` of a problem document).
 */
export function ownPages(
  gateway: Gateway,
  services: readonly ServiceContract[],
  limits: Limits,
): Aliases {
  const json = (value: unknown): Page =>
    page('application/json; charset=utf-8', JSON.stringify(value));
  const document = json(openApiDocument(services, limits));
  const file = (type: string, name: string): Page =>
    page(type, readFileSync(new URL(`docs/${name}`, import.meta.url), 'utf8'));
  const docs = file('text/html; charset=utf-8', 'index.html');
  const docsScript = file('text/javascript; charset=utf-8', 'docs.js');
  const codes = Object.keys(errorRegistry) as ErrorCode[];
  const problems = new Map(codes.map((code) => [code as string, json(explanation(code))]));
  const list = json({ items: codes.map(explanation) });

  const route =
    (found: (path: Readonly<Record<string, string>>) => Page | undefined): Route =>
    async (exchange, path) => {
      const shown = found(path);
      if (shown === undefined) return gateway.refuse(exchange, new UsherError('not-found'));
      const headers: Record<string, string | number> = {
        ...commonHeaders(exchange.requestId),
        ...pageHeaders,
        'Content-Type': shown.type,
        'Cache-Control': 'public, max-age=60',
        ETag: shown.etag,
      };
      const known = matches(exchange.request.headers['if-none-match'], shown.etag);
      if (known) exchange.response.writeHead(304, headers).end();
      else await sendText(exchange, 200, headers, shown.text, limits);
    };

  return {
    'GET /v1/openapi.json': route(() => document),
    'GET /docs': route(() => docs),
    'GET /docs/docs.js': route(() => docsScript),
    'GET /problems': route(() => list),
    'GET /problems/:code': route(({ code }) => problems.get(code ?? '')),
  };
}

/** One code, for people and programs. docs/errors.md says more. */
function explanation(code: ErrorCode): Record<string, unknown> {
  const { status, title, retryable } = errorRegistry[code];
  return { type: problemType(code), code, status, title, retryable };
}
