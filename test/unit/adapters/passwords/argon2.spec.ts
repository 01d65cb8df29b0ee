import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { PasswordHasher } from '#adapters/passwords/argon2.ts';
import { limits } from '#domain/limits.ts';

describe('the password hasher', () => {
  it('makes argon2id hashes with the stated cost and tells right from wrong', async () => {
    const hasher = new PasswordHasher(systemClock, limits);
    const hash = await hasher.hash('correct horse');
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(await hasher.verify(hash, 'correct horse')).toBe(true);
    expect(await hasher.verify(hash, 'wrong horse')).toBe(false);
  });

  it('never finds a password right for an account that does not exist', async () => {
    const hasher = new PasswordHasher(systemClock, limits);
    expect(await hasher.verify(undefined, 'nobody has this password')).toBe(false);
  });

  it('refuses at once what exceeds its queue, and serves the rest', async () => {
    const hasher = new PasswordHasher(systemClock, {
      ...limits,
      passwordHashesRunning: 1,
      passwordHashesWaiting: 2,
      queueWaitMs: 10_000,
    });
    const results = await Promise.allSettled(['1', '2', '3', '4', '5'].map((p) => hasher.hash(p)));
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect(results[4]).toMatchObject({ reason: { code: 'overloaded' } });
    await expect(hasher.hash('6')).resolves.toContain('argon2id');
  });

  it('gives up a place in the queue that led to no turn in time', async () => {
    const hasher = new PasswordHasher(systemClock, {
      ...limits,
      passwordHashesRunning: 1,
      queueWaitMs: 1,
    });
    const [first, second] = await Promise.allSettled([hasher.hash('1'), hasher.hash('2')]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'overloaded' } });
    await expect(hasher.hash('3')).resolves.toContain('argon2id');
  });
});
