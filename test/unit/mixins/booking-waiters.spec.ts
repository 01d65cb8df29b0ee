import { describe, expect, it } from '@jest/globals';
import { BookingWaiters } from '#mixins/booking-waiters.ts';
import { ManualClock } from '#test/unit/flows/world.ts';

const given = (max = 10) => {
  const clock = new ManualClock();
  const waiters = new BookingWaiters(clock, max);
  const heard: string[] = [];
  const listen = (bookingId: string, ms = 1_000) => {
    const listening = waiters.listen(bookingId, ms);
    listening?.done.then(() => heard.push(bookingId));
    return listening;
  };
  const settle = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve();
    return heard;
  };
  return { clock, waiters, listen, settle };
};

describe('those who wait for a booking', () => {
  it('are left waiting by a status that they do not want', async () => {
    const { waiters } = given();
    let heard = false;
    const listening = waiters.listen('one', 1_000, (status) => status === 'confirmed');
    listening?.done.then(() => {
      heard = true;
    });
    waiters.notify('one', 'selling');
    expect(waiters.count).toBe(1);
    waiters.notify('one', 'confirmed');
    await listening?.done;
    expect(heard).toBe(true);
  });

  it('hear of its change, all of them, and of no other', async () => {
    const { waiters, listen, settle } = given();
    listen('one');
    listen('one');
    listen('two');
    waiters.notify('one');
    expect(await settle()).toEqual(['one', 'one']);
    expect(waiters.count).toBe(1);
  });

  it('are told what is told of it, and nothing when their time is over', async () => {
    const clock = new ManualClock();
    const waiters = new BookingWaiters<string>(clock, 10);
    const first = waiters.listen('one', 1_000);
    const second = waiters.listen('two', 1_000);
    waiters.notify('one', 'confirmed', 'tickets');
    clock.advance(1_000);
    expect(await first?.done).toBe('tickets');
    expect(await second?.done).toBeUndefined();
  });

  it('are let go when their time is over', async () => {
    const { clock, waiters, listen, settle } = given();
    listen('one', 500);
    listen('two', 900);
    clock.advance(600);
    expect(await settle()).toEqual(['one']);
    expect(waiters.count).toBe(1);
  });

  it('are bounded in number, and leave room when they go', () => {
    const { waiters, listen } = given(2);
    const first = listen('one');
    listen('one');
    expect(listen('two')).toBeUndefined();
    first?.stop();
    first?.stop();
    expect(waiters.count).toBe(1);
    expect(listen('two')).toBeDefined();
  });

  it('are all let go at the end, and nobody is kept after it', async () => {
    const { waiters, listen, settle } = given();
    listen('one');
    listen('two');
    waiters.close();
    expect([...(await settle())].sort()).toEqual(['one', 'two']);
    expect(listen('three')).toBeUndefined();
    expect(waiters.count).toBe(0);
  });
});
