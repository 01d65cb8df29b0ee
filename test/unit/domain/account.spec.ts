import { describe, expect, it } from '@jest/globals';
import {
  judgeRefresh,
  makeRefreshToken,
  normalizeEmail,
  rolesOf,
  type Session,
  sessionIdOf,
} from '#domain/account.ts';

const session: Session = {
  sessionId: '01J00000000000000000000000',
  userId: 'usr_1',
  tokenHash: 'now',
  usedHashes: ['before'],
  expiresAt: 1_000,
  revoked: false,
};

describe('an account', () => {
  it('has one spelling of its address', () => {
    expect(normalizeEmail('  Ada@Example.ORG ')).toBe('ada@example.org');
    expect(normalizeEmail('ａda@example.org')).toBe('ada@example.org');
  });

  it('sells only with an organizer', () => {
    expect(rolesOf([])).toEqual(['buyer']);
    expect(rolesOf([{ organizerId: 'org_1', name: 'Hall' }])).toEqual(['buyer', 'organizer']);
  });
});

describe('a refresh token', () => {
  it.each([
    ['is rotated while good', session, 'now', 'rotate'],
    ['is reuse when it was used before', session, 'before', 'reuse'],
    ['is refused when it never was one', session, 'other', 'refuse'],
    ['is refused when expired', { ...session, expiresAt: 500 }, 'now', 'refuse'],
    ['is refused when the session has ended', { ...session, revoked: true }, 'now', 'refuse'],
    ['is refused without a session', undefined, 'now', 'refuse'],
  ] as const)('%s', (_what, of, hash, verdict) => {
    expect(judgeRefresh(of, hash, 500)).toBe(verdict);
  });

  it('names its session', () => {
    const token = makeRefreshToken(session.sessionId, 'A'.repeat(43));
    expect(sessionIdOf(token)).toBe(session.sessionId);
    for (const bad of ['', '.', session.sessionId, `${token}A`, ` ${token}`]) {
      expect(sessionIdOf(bad)).toBeUndefined();
    }
  });
});
