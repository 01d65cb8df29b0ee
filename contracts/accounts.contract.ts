import { z } from 'zod';
import { id, timestamp } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { accountRoles, staffRoles } from '#domain/account.ts';
import { limits } from '#domain/limits.ts';

const email = z.string().trim().pipe(z.email('must be an e-mail address').max(254));
const personName = z.string().trim().min(1).max(200);
const password = z.string().min(limits.passwordCharsMin).max(limits.passwordCharsMax);
/** At login any text may be tried; its length is bounded because hashing costs. */
const triedPassword = z.string().min(1).max(limits.passwordCharsMax);
const refreshToken = z.string().min(1).max(200);

const userView = z.object({
  userId: id('user'),
  email: z.string(),
  name: z.string(),
  roles: z.array(z.enum(accountRoles)),
  organizers: z.array(
    z.object({
      organizerId: id('organizer'),
      name: z.string(),
      role: z.enum(staffRoles).optional().describe('Absent: acts for it in everything'),
    }),
  ),
  createdAt: timestamp,
});
export type UserView = z.infer<typeof userView>;

const sessionView = z.object({
  user: userView,
  accessToken: z.string().describe('Bearer token'),
  refreshToken: z.string().describe('Good for one `refresh`; keep it secret'),
  expiresIn: z.int().describe('Seconds the access token lives'),
});
export type SessionView = z.infer<typeof sessionView>;

const staffMember = z.object({
  userId: id('user'),
  email: z.string(),
  name: z.string(),
  role: z.enum(['owner', ...staffRoles]),
});
export type StaffMember = z.infer<typeof staffMember>;

const staffPath = '/v1/organizer/staff';
const staffHttp = { access: 'organizer', tag: 'Organizer staff' } as const;

const auth = (path: string, success: number) =>
  ({
    method: 'POST',
    path: `/v1/auth/${path}`,
    success,
    access: 'public',
    tag: 'Accounts',
  }) as const;

/** Accounts, their sessions and the keys that sign access tokens. */
export const accountsContract = service({
  name: 'accounts',
  actions: {
    signup: action({
      summary: 'Creates an account and logs it in; with `organizer`, one that may sell',
      params: z.strictObject({
        email,
        password,
        name: personName,
        organizer: z.strictObject({ name: personName }).optional(),
      }),
      result: sessionView,
      errors: ['email-taken', 'overloaded', 'unavailable'],
      http: auth('signup', 201),
    }),
    login: action({
      summary: 'Logs an account in',
      params: z.strictObject({ email, password: triedPassword }),
      result: sessionView,
      errors: ['invalid-credentials', 'overloaded', 'unavailable'],
      http: auth('login', 200),
    }),
    refresh: action({
      summary: 'Trades a refresh token for new tokens; a used one ends the whole session',
      params: z.strictObject({ refreshToken }),
      result: sessionView,
      errors: ['unauthenticated', 'unavailable'],
      http: auth('refresh', 200),
    }),
    logout: action({
      summary: 'Ends the session of a refresh token; again: the same answer',
      params: z.strictObject({ refreshToken }),
      result: z.null(),
      errors: ['unavailable'],
      http: auth('logout', 204),
    }),
    account: action({
      summary: 'My account',
      params: z.strictObject({}),
      result: userView,
      errors: ['unauthenticated', 'unavailable'],
      http: {
        method: 'GET',
        path: '/v1/account',
        success: 200,
        access: 'user',
        tag: 'Accounts',
      },
    }),
    update: action({
      summary: 'Changes my name',
      params: z.strictObject({ name: personName }),
      result: userView,
      errors: ['unauthenticated', 'unavailable'],
      http: {
        method: 'PATCH',
        path: '/v1/account',
        success: 200,
        access: 'user',
        tag: 'Accounts',
      },
    }),
    addStaff: action({
      summary: 'Gives an account a place at my box office; in force with its next log-in',
      params: z.strictObject({
        organizerId: id('organizer').optional(),
        email,
        role: z.enum(staffRoles),
      }),
      result: staffMember,
      errors: ['not-found', 'state-forbids', 'stale-version', 'forbidden', 'unavailable'],
      http: { method: 'POST', path: staffPath, success: 200, ...staffHttp },
    }),
    staff: action({
      summary: "My organizer's people",
      params: z.strictObject({ organizerId: id('organizer').optional() }),
      result: z.object({ items: z.array(staffMember) }),
      errors: ['not-found', 'forbidden', 'unavailable'],
      http: { method: 'GET', path: staffPath, query: ['organizerId'], success: 200, ...staffHttp },
    }),
    removeStaff: action({
      summary: 'Takes a place at my box office away; in force when the access token runs out',
      params: z.strictObject({ organizerId: id('organizer').optional(), userId: id('user') }),
      result: z.null(),
      errors: ['not-found', 'stale-version', 'forbidden', 'unavailable'],
      http: {
        method: 'DELETE',
        path: `${staffPath}/{userId}`,
        query: ['organizerId'],
        success: 204,
        ...staffHttp,
      },
    }),
    contacts: action({
      summary: 'Where messages to accounts go; those that there are not are left out',
      params: z.object({
        userIds: z.array(z.string().max(200)).min(1).max(limits.messagesPerCallMax),
      }),
      result: z.object({
        contacts: z.array(z.object({ userId: id('user'), email: z.string(), name: z.string() })),
      }),
      errors: ['unavailable'],
    }),
    known: action({
      summary: 'The account with this address; null: there is none',
      params: z.object({ email: z.string() }),
      result: z.object({ userId: id('user').nullable() }),
      errors: ['unavailable'],
    }),
    jwks: action({
      summary: 'Public keys of the access tokens (RFC 7517)',
      params: z.object({}),
      result: z.object({
        keys: z.array(
          z.discriminatedUnion('kty', [
            z.object({
              kty: z.literal('RSA'),
              n: z.string(),
              e: z.string(),
              kid: z.string(),
              alg: z.literal('RS256'),
              use: z.literal('sig'),
            }),
            z.object({
              kty: z.literal('OKP'),
              crv: z.literal('Ed25519'),
              x: z.string(),
              kid: z.string(),
              alg: z.literal('EdDSA'),
              use: z.literal('sig'),
            }),
          ]),
        ),
      }),
      errors: ['unavailable'],
    }),
  },
});
