import type { IncomingMessage } from 'node:http';
import { invalidRequest } from '#broker/params.ts';
import type { Caller } from '#contracts/common.ts';
import type { Access } from '#contracts/contract.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
import type { Operation } from '#services/api/operation.ts';

/** Finds out who a token belongs to; rejects with `unauthenticated`. */
export type Authenticate = (token: string) => Promise<Caller>;

const bearer = /^Bearer +([\w\-.~+/]+=*)$/i;

/**
 * Who calls. Where anybody may call, a token that is not valid is the same as none; else it is
 * refused with `unauthenticated`, and a caller without the role with `forbidden`.
 */
export async function callerOf(
  request: IncomingMessage,
  access: Access,
  authenticate: Authenticate,
): Promise<Caller | undefined> {
  const header = request.headers.authorization;
  if (access === 'public') return header === undefined ? undefined : ifKnown(header, authenticate);
  if (header === undefined) throw new UsherError('unauthenticated');
  const caller = await authenticate(tokenOf(header));
  if (!allowed(caller, access)) throw new UsherError('forbidden');
  return caller;
}

async function ifKnown(header: string, authenticate: Authenticate): Promise<Caller | undefined> {
  try {
    return await authenticate(tokenOf(header));
  } catch (error) {
    if (hasCode(error, 'unauthenticated')) return undefined;
    throw error;
  }
}

function tokenOf(header: string): string {
  const token = bearer.exec(header)?.[1];
  if (token === undefined) {
    throw new UsherError('unauthenticated', 'the Authorization header must be: Bearer <token>');
  }
  return token;
}

function allowed({ roles }: Pick<Caller, 'roles'>, access: Exclude<Access, 'public'>): boolean {
  switch (access) {
    case 'user':
      return true;
    case 'box-office':
      return allowed({ roles }, 'organizer') || roles.includes('box-office');
    case 'organizer':
      return roles.includes('organizer') || roles.includes('admin');
    case 'support':
      return roles.includes('support') || roles.includes('admin');
    case 'admin':
      return roles.includes('admin');
  }
}

const visibleAscii = /^[\x21-\x7e]+$/;

/** The Idempotency-Key where the operation takes one. Throws when it is missing or unfit. */
export function idempotencyKeyOf(
  request: IncomingMessage,
  { http }: Operation,
  charsMax: number,
): string | undefined {
  if (http.idempotency === undefined) return undefined;
  const key = request.headers['idempotency-key'];
  if (key === undefined || key === '') {
    if (http.idempotency === 'required') throw new UsherError('idempotency-key-required');
    return undefined;
  }
  if (typeof key === 'string' && key.length <= charsMax && visibleAscii.test(key)) return key;
  const message = `must be 1 to ${charsMax} visible ASCII characters`;
  throw invalidRequest([{ path: 'Idempotency-Key', message }]);
}
