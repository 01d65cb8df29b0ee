import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { contracts } from '#contracts/index.ts';
import { type ErrorCode, errorRegistry, UsherError } from '#domain/errors.ts';
import { outward, problemDocument } from '#services/api/problem.ts';

const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');

const rows = [...text.matchAll(/^\| `([a-z-]+)` \|(.*)\|$/gm)].map(([, code = '', rest = '']) => {
  const [status = '', retry = '', cause = '', remedy = ''] = rest.split('|').map((c) => c.trim());
  return { code, status, retry, cause, remedy };
});
const codes = Object.keys(errorRegistry) as ErrorCode[];

describe('docs/errors.md', () => {
  it('explains every code once, and no code that does not exist', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual([...codes].sort());
  });

  it.each(rows)('says of $code what the registry says, its cause and what to do', (row) => {
    const entry = errorRegistry[row.code as ErrorCode];
    expect(row.status).toBe(String(entry.status));
    expect(row.retry).toBe(entry.retryable ? 'yes' : 'no');
    expect(row.cause.length).toBeGreaterThan(10);
    expect(row.remedy.length).toBeGreaterThan(5);
  });

  it('names no code elsewhere that does not exist', () => {
    const order = text.slice(text.indexOf('## Which wins'));
    for (const [, code = ''] of order.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)) {
      expect(codes).toContain(code);
    }
  });
});

describe('the registry', () => {
  it('has every code a contract names', () => {
    for (const { name, actions } of contracts) {
      for (const [action, { errors }] of Object.entries(actions)) {
        for (const code of errors)
          expect([`${name}.${action}`, codes]).toContainEqual(expect.arrayContaining([code]));
      }
    }
  });

  it('gives every code a problem document of its own status', () => {
    for (const code of codes) {
      const error = outward(new UsherError(code), 'GET');
      const document = problemDocument(error, 'r');
      expect(document.type).toBe(`/problems/${document.code}`);
      expect(document.status).toBe(errorRegistry[error.code].status);
    }
  });
});
