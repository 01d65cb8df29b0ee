import { expect } from '@jest/globals';
import { type ErrorCode, errorRegistry } from '#domain/errors.ts';

/** An answer as a test looks at it. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks at whatever came
  readonly json: any;
};

/** Requests at the gateway that `base()` names; redirects are not followed. */
export function asker(base: () => string) {
  return async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const response = await fetch(base() + path, { redirect: 'manual', ...init });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    const json = isJson && text !== '' ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
}

/** What every refusal has to look like. */
export function expectProblem(answer: Answer, code: ErrorCode): void {
  expect(answer.text).toContain(`"code":"${code}"`);
  expect(answer.json).toMatchObject({ code, status: errorRegistry[code].status });
  expect(answer.status).toBe(errorRegistry[code].status);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.json.type).toBe(`/problems/${code}`);
  expect(answer.json.title).toBe(errorRegistry[code].title);
  expect(answer.json.requestId).toBe(answer.headers.get('x-request-id'));
  expect(answer.json.detail).toEqual(expect.any(String));
  expect(answer.text).not.toMatch(/\n\s+at |node_modules|\.ts:/);
}
