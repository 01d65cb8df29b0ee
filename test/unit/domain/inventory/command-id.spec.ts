import { describe, expect, it } from '@jest/globals';
import { eventIdOf, idPatterns } from '#domain/ids.ts';
import { deriveCommandId, fingerprintOf, holdIdOf } from '#domain/inventory/command-id.ts';
import { eventId } from '#test/unit/domain/inventory/given.ts';

const scope = { buyerId: 'usr_1', route: 'reserve', eventId, key: 'k' };

describe('command ids', () => {
  it('are the same for the same scope and differ with every part of it', () => {
    const id = deriveCommandId(scope);
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(deriveCommandId({ ...scope })).toBe(id);
    const others = [
      { ...scope, buyerId: 'usr_2' },
      { ...scope, route: 'checkout' },
      { ...scope, eventId: 'evt_2' },
      { ...scope, key: 'l' },
      { ...scope, buyerId: 'usr_1reserve', route: '' },
    ];
    expect(new Set([id, ...others.map(deriveCommandId)]).size).toBe(6);
  });

  it('give reservation ids of their event', () => {
    const id = holdIdOf(eventId, deriveCommandId(scope));
    expect(id).toMatch(idPatterns.reservation);
    expect(eventIdOf(id)).toBe(eventId);
    expect(holdIdOf(eventId, 'any other text')).toMatch(idPatterns.reservation);
  });
});

describe('fingerprints', () => {
  it('do not depend on the order of members or on undefined ones', () => {
    const one = fingerprintOf({ a: 1, b: { c: [1, 'x', null], d: undefined } });
    expect(fingerprintOf({ b: { c: [1, 'x', null] }, a: 1 })).toBe(one);
    expect(fingerprintOf({ b: { c: ['x', 1, null] }, a: 1 })).not.toBe(one);
    expect(fingerprintOf({ b: { c: [1, 'x', null] }, a: '1' })).not.toBe(one);
  });
});
