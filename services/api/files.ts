import { existsSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import ApiGateway from 'moleculer-web';
import { commonHeaders, type Exchange } from '#services/api/exchange.ts';

/** Answers with a file, or calls `missing`. */
export type Files = (exchange: Exchange, missing: () => void) => void;

const contentPolicy =
  "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/** Headers of pages that a browser shows: they load from here only, and nobody frames them. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': contentPolicy,
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'X-Frame-Options': 'DENY',
};

const docsPrefix = '/docs/assets';

/**
 * The web application (`web/`, at `/`) and the scripts of the API page. Names carry no version, so
 * a browser asks again each time and is told 304 while nothing has changed. `paymentOrigin` is
 * where the web application may send a card's number besides: the payment provider's stand-in.
 */
export function webFiles(paymentOrigin?: string): Files {
  const connect = paymentOrigin === undefined ? '' : `; connect-src 'self' ${paymentOrigin}`;
  const headers = { ...pageHeaders, 'Content-Security-Policy': `${contentPolicy}${connect}` };
  const webFolder = fileURLToPath(new URL('../../web', import.meta.url));
  const web = existsSync(`${webFolder}/index.html`)
    ? folder(webFolder, 'index.html', headers)
    : undefined;
  const docs = folder(
    dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json')),
    false,
    pageHeaders,
  );
  return (exchange, missing) => {
    const { request, path } = exchange;
    if (path.startsWith(`${docsPrefix}/`)) {
      request.url = path.slice(docsPrefix.length);
      return docs(exchange, missing);
    }
    if (web === undefined || path.startsWith('/v1/') || path.includes('//')) return missing();
    return web(exchange, missing);
  };
}

type Serve = (
  request: Exchange['request'],
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

function folder(path: string, index: string | false, headers: typeof pageHeaders): Files {
  const serve: Serve = ApiGateway.serveStatic(path, {
    index,
    dotfiles: 'ignore',
    redirect: false,
    cacheControl: false,
    setHeaders: (response: ServerResponse) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.setHeader('Cache-Control', 'no-cache');
    },
  });
  return ({ request, response, requestId }, missing) => {
    for (const [name, value] of Object.entries(commonHeaders(requestId))) {
      response.setHeader(name, value);
    }
    serve(request, response, missing);
  };
}
