import { describe, expect, it } from '@jest/globals';
import { systemClock } from '#adapters/clock/system.ts';
import { limits } from '#domain/limits.ts';
import { Admission, type Admitted, type Lane } from '#services/api/admission.ts';

const few = {
  ...limits,
  httpInFlightMin: 16,
  httpInFlightFloor: 4,
  httpQueueWaitMs: 200,
  httpInFlightMax: 100,
};

function setup() {
  const state = { now: 1_000, busy: 0.5 };
  const clock = { ...systemClock, monotonic: () => state.now };
  const admission = new Admission(clock, few, () => state.busy);
  /** Asks for `count` places; answers those that were let in. */
  const enter = (count: number, lane: Lane = 'hold', event?: string): Admitted[] =>
    Array.from({ length: count }, () => {
      const admitted = admission.enter(lane, event);
      if (event !== undefined) admitted?.about(event);
      return admitted;
    }).filter((admitted) => admitted !== undefined);
  const leave = (admitted: readonly Admitted[]): void => {
    for (const each of admitted) each.leave();
  };
  /** `perWindow` requests, one after the other, in each of so many windows of 100 ms. */
  const steady = (perWindow: number, windows: number): void => {
    for (let w = 0; w < windows; w++) {
      for (let i = 0; i < perWindow; i++) {
        leave(enter(1));
        state.now += 100 / perWindow;
      }
    }
  };
  /** So many windows in which more is asked for than there is room for; 60 are answered in each. */
  const overload = (
    windows: number,
    lanes: readonly Lane[] = ['hold'],
    answersOf: (bound: number) => number = () => 60,
  ): void => {
    for (let w = 0; w < windows; w++) {
      for (const lane of lanes) {
        for (let answered = 0, most = 1; answered < most; ) {
          const admitted = enter(200, lane);
          most = answersOf(admitted.length);
          answered += admitted.length;
          leave(admitted);
        }
      }
      state.now += 100;
    }
  };
  return { state, admission, enter, leave, steady, overload };
}

describe('admission', () => {
  it('lets in the stated least while it knows of no answers', () => {
    const { enter, leave } = setup();
    const admitted = enter(50);
    expect(admitted).toHaveLength(16);
    leave(admitted.slice(0, 3));
    expect(enter(50)).toHaveLength(3);
  });

  it('lets in what is answered in the stated wait, as measured, and never more than the most', () => {
    const one = setup();
    one.steady(20, 5);
    // 20 answers in 100 ms are 40 in 200 ms.
    const taken = one.enter(100).length;
    expect(taken).toBeGreaterThanOrEqual(38);
    expect(taken).toBeLessThanOrEqual(42);
    const other = setup();
    other.steady(400, 6);
    expect(other.enter(500)).toHaveLength(100);
  });

  it('comes back to the least when answers stop for five seconds', () => {
    const { state, enter, leave, steady } = setup();
    steady(20, 5);
    const taken = enter(100);
    expect(taken.length).toBeGreaterThan(30);
    for (let i = 0; i < 52; i++) {
      state.now += 100;
      expect(enter(1)).toHaveLength(0);
    }
    leave(taken.slice(4));
    expect(enter(100)).toHaveLength(12);
  });

  it('lets in fewer while refusing takes all the time, and more again as soon as there is some', () => {
    const { state, enter, leave, overload } = setup();
    state.busy = 1;
    overload(30);
    const strained = enter(100);
    expect(strained).toHaveLength(4);
    leave(strained);
    state.busy = 0.5;
    overload(60);
    const relaxed = enter(100);
    expect(relaxed.length).toBeGreaterThanOrEqual(16);
  });

  it('lets in no fewer where that would answer fewer, and has refused connections rest', () => {
    const { state, admission, enter, overload } = setup();
    overload(3);
    state.busy = 1;
    // As many answers in a window as there are places.
    overload(30, ['hold'], (bound) => bound);
    expect(enter(100).length).toBeGreaterThan(4);
    expect(admission.restMs).toBeGreaterThan(0);
  });

  it('knows after a quiet time nothing of the overload before it', () => {
    const { state, enter, overload } = setup();
    state.busy = 1;
    overload(30);
    state.now += 5_000;
    enter(1);
    expect(enter(100).length).toBeGreaterThanOrEqual(15);
  });

  it('does not mind a busy loop as long as nobody is refused', () => {
    const { state, enter, steady } = setup();
    state.busy = 1;
    steady(10, 30);
    expect(enter(100).length).toBeGreaterThanOrEqual(16);
  });

  it('keeps room for what is being paid when holds and reads give way', () => {
    const { state, enter, overload } = setup();
    state.busy = 1;
    overload(30, ['hold', 'read', 'pay']);
    const left = (['pay', 'hold', 'read'] as const).map((lane) => enter(100, lane).length);
    expect(left).toEqual([16, 4, 4]);
  });

  it('lets refused connections rest only while the loop has no time left', () => {
    const { state, admission, overload } = setup();
    overload(5);
    expect(admission.restMs).toBe(0);
    state.busy = 1;
    overload(30);
    expect(admission.restMs).toBe(1_000);
    state.busy = 0.5;
    overload(30);
    expect(admission.restMs).toBe(0);
  });

  it('does not let a hot event shut out the others', () => {
    const { enter, leave } = setup();
    const hot = enter(100, 'hold', 'evt_hot');
    expect(hot).toHaveLength(16);
    expect(enter(1, 'hold')).toHaveLength(0);
    // One eighth of the bound for each other event, and twice the bound for all of them.
    const quiet = enter(10, 'hold', 'evt_quiet');
    expect(quiet).toHaveLength(2);
    const others = Array.from({ length: 20 }, (_, i) => enter(10, 'hold', `evt_${i}`)).flat();
    expect(hot.length + quiet.length + others.length).toBe(32);
    leave([...hot, ...quiet, ...others]);
    expect(enter(100, 'hold', 'evt_hot')).toHaveLength(16);
  });
});
