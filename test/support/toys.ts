import type { Context, ServiceSchema } from 'moleculer';
import { z } from 'zod';
import { reply } from '#broker/reply.ts';
import type { Caller, CallMeta } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { type ErrorCode, errorRegistry, UsherError } from '#domain/errors.ts';

const tag = 'Toys';
const toy = z.object({ id: z.string(), name: z.string() });
const any = z.unknown();
const codes = Object.keys(errorRegistry) as [ErrorCode, ...ErrorCode[]];

/** A made-up service that uses everything an HTTP mapping can say. */
export const toysContract = service({
  name: 'toys',
  actions: {
    read: action({
      summary: 'One toy',
      params: z.strictObject({ id: z.string().max(30), size: z.coerce.number().int().optional() }),
      result: toy,
      errors: ['not-found'],
      http: {
        method: 'GET',
        path: '/v1/toys/{id}',
        query: ['size'],
        success: 200,
        access: 'public',
        cacheControl: 'public, max-age=5',
        tag,
      },
    }),
    make: action({
      summary: 'Makes a toy',
      params: z.strictObject({ name: z.string().min(1), parts: z.array(z.int()).optional() }),
      result: toy,
      errors: [],
      http: {
        method: 'POST',
        path: '/v1/toys',
        success: 201,
        access: 'user',
        idempotency: 'required',
        tag,
      },
    }),
    choose: action({
      summary: 'Takes one of two shapes',
      params: z.union([
        z.strictObject({ kind: z.string(), seats: z.array(z.string()).min(1) }),
        z.strictObject({ kind: z.string(), best: z.strictObject({ quantity: z.int().min(1) }) }),
      ]),
      result: z.object({ kind: z.string() }),
      errors: [],
      http: { method: 'POST', path: '/v1/choose', success: 200, access: 'public', tag },
    }),
    remove: action({
      summary: 'Removes a toy',
      params: z.strictObject({ id: z.string() }),
      result: any,
      errors: [],
      http: { method: 'DELETE', path: '/v1/toys/{id}', success: 204, access: 'organizer', tag },
    }),
    fail: action({
      summary: 'Fails with a code',
      params: z.strictObject({ code: z.enum([...codes, 'crash']) }),
      result: any,
      errors: [],
      http: {
        method: 'POST',
        path: '/v1/fail',
        success: 200,
        access: 'public',
        tag,
      },
    }),
    hook: action({
      summary: 'Takes a signed text',
      params: z.object({ body: z.string(), headers: z.record(z.string(), z.string()) }),
      result: any,
      errors: ['invalid-signature'],
      http: {
        method: 'POST',
        path: '/v1/hook',
        success: 200,
        access: 'public',
        bodyBytesMax: 50,
        rawBody: { headers: ['x-signature'] },
        tag,
      },
    }),
    large: action({
      summary: 'A large answer',
      params: z.strictObject({}),
      result: any,
      errors: [],
      http: { method: 'GET', path: '/v1/large', success: 200, access: 'public', tag },
    }),
    drawing: action({
      summary: 'A large answer that never changes',
      params: z.strictObject({ id: z.string() }),
      result: any,
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/drawings/{id}',
        success: 200,
        access: 'public',
        cacheControl: 'public, max-age=31536000, immutable',
        tag,
      },
    }),
    moved: action({
      summary: 'Stands elsewhere',
      params: z.strictObject({}),
      result: any,
      errors: [],
      http: { method: 'GET', path: '/v1/moved', success: 302, access: 'public', tag },
    }),
    page: action({
      summary: 'A text',
      params: z.strictObject({}),
      result: z.string(),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/page',
        success: 200,
        access: 'admin',
        mediaType: 'text/plain; charset=utf-8',
        tag,
      },
    }),
    slow: action({
      summary: 'Answers after `ms`, at most 100 ms are given',
      params: z.strictObject({ ms: z.int() }),
      result: any,
      errors: [],
      timeoutMs: 100,
      http: { method: 'POST', path: '/v1/slow', success: 200, access: 'public', tag },
    }),
    patient: action({
      summary: 'Answers after `ms`',
      params: z.strictObject({ ms: z.coerce.number() }),
      result: any,
      errors: [],
      timeoutMs: 5_000,
      http: {
        method: 'GET',
        path: '/v1/patient',
        query: ['ms'],
        success: 200,
        access: 'public',
        tag,
      },
    }),
    watch: action({
      summary: 'A stream',
      params: z.strictObject({ id: z.string().max(30) }),
      result: any,
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/toys/{id}/stream',
        success: 200,
        access: 'public',
        mediaType: 'text/event-stream',
        tag,
      },
    }),
  },
});

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

let drawings = 0;
/** How often `drawing` has run. */
export const drawingsMade = (): number => drawings;

/** Its handlers. What `make` was given in meta comes back in the name. */
export const toyService = (): ServiceSchema => ({
  name: 'toys',
  actions: {
    read: (ctx: Context<{ id: string }>) => {
      if (ctx.params.id === 'gone') throw new UsherError('not-found', 'no such toy');
      return { id: ctx.params.id, name: 'bear' };
    },
    make: (ctx: Context<{ name: string }, CallMeta & object>) => {
      reply(ctx, { headers: { Location: '/v1/toys/1' } });
      const { caller, idempotencyKey } = ctx.meta;
      return { id: '1', name: `${ctx.params.name} of ${caller?.userId} by ${idempotencyKey}` };
    },
    choose: (ctx: Context<{ kind: string }>) => ({ kind: ctx.params.kind }),
    remove: () => undefined,
    fail(ctx: Context<{ code: ErrorCode | 'crash' }>) {
      if (ctx.params.code === 'crash') throw new TypeError('secret of /etc/passwd');
      throw new UsherError(ctx.params.code, 'on purpose', { seats: ['A-1'], status: 299 });
    },
    hook: (ctx: Context<{ body: string; headers: Record<string, string> }>) => ctx.params,
    large: () => ({ text: 'x'.repeat(50_000) }),
    drawing: async ({ params: { id } }: Context<{ id: string }>) => {
      drawings++;
      await pause(20);
      if (id === 'none') throw new UsherError('not-found');
      return { id, lines: 'x'.repeat(20_000) };
    },
    moved: async (ctx: Context) => {
      // A nested call's notes must not show in this answer.
      await ctx.call('toys.make', { name: 'inner' });
      reply(ctx, { headers: { Location: '/v1/large' } });
      return {};
    },
    page: () => 'plain text',
    slow: async (ctx: Context<{ ms: number }>) => {
      await pause(ctx.params.ms);
      return {};
    },
    patient: async (ctx: Context<{ ms: number }>) => {
      await pause(ctx.params.ms);
      return { waited: ctx.params.ms };
    },
    watch: () => undefined,
  },
});

const callers: Readonly<Record<string, Caller>> = {
  buyer: { userId: 'usr_buyer', roles: ['buyer'], organizerIds: [] },
  organizer: { userId: 'usr_organizer', roles: ['organizer'], organizerIds: ['org_1'] },
  admin: { userId: 'usr_admin', roles: ['admin'], organizerIds: [] },
};

/** Tokens of the toys' callers: `buyer`, `organizer`, `admin`. */
export async function authenticateToy(token: string): Promise<Caller> {
  const caller = callers[token];
  if (caller === undefined) throw new UsherError('unauthenticated', 'the token is not valid');
  return caller;
}
