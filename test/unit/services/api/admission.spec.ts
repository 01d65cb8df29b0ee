import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { limits } from '#domain/limits.ts';
import { Admission } from '#services/api/admission.ts';

const few = { ...limits, httpInFlightMin: 10, httpQueueWaitMs: 200, httpInFlightMax: 100 };

function setup() {
  const state = { now: 1_000 };
  const admission = new Admission({ ...systemClock, monotonic: () => state.now }, few);
  /** Lets in what is let in of `count`; answers how many. */
  const enter = (count: number): number =>
    Array.from({ length: count }, () => admission.enter()).filter(Boolean).length;
  const leave = (count: number): void => {
    for (let i = 0; i < count; i++) admission.leave();
  };
  /** `perWindow` requests, one after the other, in each of so many windows of 100 ms. */
  const steady = (perWindow: number, windows: number): void => {
    for (let w = 0; w < windows; w++) {
      for (let i = 0; i < perWindow; i++) {
        enter(1);
        leave(1);
        state.now += 100 / perWindow;
      }
    }
  };
  return { state, enter, leave, steady };
}

describe('admission', () => {
  it('lets in the stated least while it knows of no answers', () => {
    const { enter, leave } = setup();
    expect(enter(50)).toBe(10);
    leave(3);
    expect(enter(50)).toBe(3);
  });

  it('lets in what is answered in the stated wait, as measured', () => {
    const { enter, steady } = setup();
    steady(20, 5);
    // 20 answers in 100 ms are 40 in 200 ms.
    const taken = enter(100);
    expect(taken).toBeGreaterThanOrEqual(38);
    expect(taken).toBeLessThanOrEqual(42);
  });

  it('never lets in more than the stated most', () => {
    const { enter, steady } = setup();
    steady(400, 5);
    expect(enter(500)).toBe(100);
  });

  it('comes back to the least when answers stop for five seconds', () => {
    const { state, enter, leave, steady } = setup();
    steady(20, 5);
    const taken = enter(100);
    expect(taken).toBeGreaterThan(30);
    for (let i = 0; i < 52; i++) {
      state.now += 100;
      expect(enter(1)).toBe(0);
    }
    leave(taken - 4);
    expect(enter(100)).toBe(6);
  });
});
