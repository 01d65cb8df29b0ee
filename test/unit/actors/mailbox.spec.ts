import { describe, expect, it } from '@jest/globals';
import { answer, Mailbox } from '#actors/mailbox.ts';
import type { Command } from '#domain/inventory/commands.ts';
import { codes } from '#test/unit/actors/stage.ts';

const generous = { mailboxCommandsMax: 1_000, mailboxBytesMax: 1_000_000 };

const command = (kind: 'hold' | 'sell' | 'read-hold', id: string, deadline = 100): Command =>
  ({ kind, id, eventId: 'evt', deadline, want: { by: 'seats', seats: ['A-1'] } }) as never;

const ids = (mailbox: Mailbox, now = 0): string[] => {
  const found: string[] = [];
  for (let p = mailbox.next(now); p !== undefined; p = mailbox.next(now)) found.push(p.command.id);
  return found;
};

describe('mailbox', () => {
  it('serves what is paid before holds, and holds before reads, each in order', () => {
    const mailbox = new Mailbox(generous);
    void mailbox.offer([
      command('read-hold', 'r1'),
      command('hold', 'h1'),
      command('sell', 's1'),
      command('hold', 'h2'),
      command('sell', 's2'),
    ]);
    expect(ids(mailbox)).toEqual(['s1', 's2', 'h1', 'h2', 'r1']);
    expect(mailbox.size).toBe(0);
    expect(mailbox.bytes).toBe(0);
  });

  it('refuses at once what does not fit, and keeps room for what is paid', async () => {
    const mailbox = new Mailbox({ ...generous, mailboxCommandsMax: 8 });
    const holds = mailbox.offer(Array.from({ length: 9 }, (_, i) => command('hold', `h${i}`)));
    expect(mailbox.size).toBe(7);
    void mailbox.offer([command('sell', 's1')]);
    expect(mailbox.size).toBe(8);
    expect(codes(await mailbox.offer([command('sell', 's2')]))).toEqual(['overloaded']);
    for (let p = mailbox.next(0); p !== undefined; p = mailbox.next(0)) {
      answer(p, { ok: true, value: p.command.id });
    }
    expect(codes(await holds)).toEqual([
      ...Array<string>(7).fill('ok'),
      'overloaded',
      'overloaded',
    ]);
  });

  it('is bounded in bytes too', async () => {
    const mailbox = new Mailbox({ ...generous, mailboxBytesMax: 1_000 });
    void mailbox.offer([command('hold', 'h1'), command('hold', 'h2')]);
    expect(mailbox.bytes).toBeLessThanOrEqual(1_000);
    expect(codes(await mailbox.offer([command('hold', 'h3')]))).toEqual(['overloaded']);
  });

  it('drops what is past its deadline, when it is taken and when it is swept', async () => {
    const mailbox = new Mailbox(generous);
    const early = mailbox.offer([command('hold', 'early', 10)]);
    const late = mailbox.offer([command('hold', 'late', 20)]);
    void mailbox.offer([command('hold', 'lasting', 30)]);
    mailbox.sweep(10);
    expect(codes(await early)).toEqual(['deadline-exceeded']);
    expect(ids(mailbox, 20)).toEqual(['lasting']);
    expect(codes(await late)).toEqual(['deadline-exceeded']);
    expect(mailbox.bytes).toBe(0);
  });

  it('takes back what was not decided, in front and in order', () => {
    const mailbox = new Mailbox(generous);
    void mailbox.offer(['a', 'b', 'c', 'd'].map((id) => command('hold', id)));
    const taken = [mailbox.next(0), mailbox.next(0), mailbox.next(0)].filter(
      (p) => p !== undefined,
    );
    mailbox.putBack(taken);
    expect(ids(mailbox)).toEqual(['a', 'b', 'c', 'd']);
    expect(mailbox.bytes).toBe(0);
  });

  it('keeps order over many commands', () => {
    const mailbox = new Mailbox({ mailboxCommandsMax: 100_000, mailboxBytesMax: 1e9 });
    const all = Array.from({ length: 20_000 }, (_, i) => command('hold', String(i)));
    void mailbox.offer(all.slice(0, 10_000));
    const first = Array.from({ length: 5_000 }, () => mailbox.next(0)?.command.id);
    void mailbox.offer(all.slice(10_000));
    expect([...first, ...ids(mailbox)]).toEqual(all.map((c) => c.id));
  });
});
