import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { HttpMapping } from '#contracts/contract.ts';
import type { Limits } from '#domain/limits.ts';
import { etagOf, jsonType, matches, takesGzip, textOf } from '#services/api/answer.ts';
import { commonHeaders, type Exchange, end } from '#services/api/exchange.ts';
import type { Operation } from '#services/api/operation.ts';

const pack = promisify(gzip);
const unpack = promisify(gunzip);

type Answer = { readonly etag: string; readonly packed: Buffer };

/**
 * Answers that never change (charts), encoded once and kept packed: a crowd that comes for one
 * chart of megabytes costs one call and one compression. Bounded in bytes; what was used longest
 * ago leaves first. Those who come while an answer is being made wait for that one.
 */
export class ImmutableAnswers {
  readonly #limits: Limits;
  readonly #kept = new Map<string, Answer>();
  readonly #making = new Map<string, Promise<Answer>>();
  #bytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Sends the answer under `key`; `make` is asked for the action's result where it is not kept. */
  async send(
    exchange: Exchange,
    key: string,
    { http }: Operation,
    make: () => Promise<unknown>,
  ): Promise<void> {
    const answer = this.#find(key) ?? (await this.#make(key, http, make));
    const headers: Record<string, string | number> = {
      ...commonHeaders(exchange.requestId),
      'Cache-Control': http.cacheControl ?? '',
      ETag: answer.etag,
      Vary: 'Accept-Encoding',
    };
    const { request, response } = exchange;
    if (matches(request.headers['if-none-match'], answer.etag)) {
      response.writeHead(304, headers);
      return end(exchange, undefined, this.#limits.refusedBodyBytesMax);
    }
    const gzipped = takesGzip(request.headers['accept-encoding']);
    const body = gzipped ? answer.packed : await unpack(answer.packed);
    if (response.destroyed) return;
    response.writeHead(200, {
      ...headers,
      'Content-Type': http.mediaType ?? jsonType,
      'Content-Length': body.length,
      ...(gzipped ? { 'Content-Encoding': 'gzip' } : {}),
    });
    end(exchange, body, this.#limits.refusedBodyBytesMax);
  }

  #find(key: string): Answer | undefined {
    const answer = this.#kept.get(key);
    if (answer === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, answer);
    return answer;
  }

  #make(key: string, http: HttpMapping, make: () => Promise<unknown>): Promise<Answer> {
    const running = this.#making.get(key);
    if (running !== undefined) return running;
    const making = encode(make, http)
      .then((answer) => {
        this.#keep(key, answer);
        return answer;
      })
      .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  #keep(key: string, answer: Answer): void {
    this.#kept.set(key, answer);
    this.#bytes += answer.packed.length;
    for (const [oldest, { packed }] of this.#kept) {
      if (this.#bytes <= this.#limits.immutableCacheBytesMax) return;
      this.#kept.delete(oldest);
      this.#bytes -= packed.length;
    }
  }
}

async function encode(make: () => Promise<unknown>, http: HttpMapping): Promise<Answer> {
  const text = textOf(await make(), http);
  return { etag: etagOf(text), packed: await pack(text) };
}
