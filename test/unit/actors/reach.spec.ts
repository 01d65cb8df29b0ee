import { beforeEach, describe, expect, it } from '@jest/globals';
import { rankNodes } from '#domain/placement.ts';
import { buyerId, codes, eventId, holdId, Stage, type StageNode } from '#test/unit/actors/stage.ts';

const [best, second] = rankNodes(eventId, ['node-a', 'node-b']) as [string, string];

describe('a node that the message server does not answer', () => {
  let stage: Stage;
  let a: StageNode;
  let b: StageNode;
  beforeEach(async () => {
    stage = new Stage();
    [a, b] = [await stage.node(best), await stage.node(second)];
    expect(codes(await stage.ask(a, stage.openCommand()))).toEqual(['ok']);
  });
  const hold = () =>
    stage.command<'hold'>({
      kind: 'hold',
      holdId: holdId(1),
      fingerprint: 'f',
      buyerId: buyerId(1),
      channel: 'public',
      want: { by: 'seats', seats: ['A-1'] },
    });

  it('soon takes no events, and gives those it has to a node that does', async () => {
    a.deaf = true;
    await stage.pass(stage.limits.messagesCutOffMs + 600);
    expect(a.host.offering).toBe(false);
    expect(a.host.list()).toHaveLength(1);
    await stage.pass(stage.limits.messagesCutOffMs + 1_000);
    expect(a.host.list()).toHaveLength(0);
    expect(a.invited).toEqual([`${second} ${eventId}`]);
    expect(codes(await stage.ask(b, hold()))).toEqual(['ok']);
    expect(b.host.list()).toHaveLength(1);
  });

  it('keeps its events while no other node takes any', async () => {
    a.deaf = true;
    b.deaf = true;
    await stage.pass(30_000);
    expect([a.host.offering, b.host.offering]).toEqual([false, false]);
    expect(a.host.list()).toHaveLength(1);
    a.deaf = false;
    b.deaf = false;
    await stage.pass(1_000);
    expect([a.host.offering, b.host.offering]).toEqual([true, true]);
    expect(await stage.written()).toHaveLength(2);
  });

  it('takes no notice of a short silence', async () => {
    a.deaf = true;
    await stage.pass(stage.limits.messagesCutOffMs - 600);
    a.deaf = false;
    await stage.pass(10_000);
    expect(a.host.list()).toHaveLength(1);
    expect(await stage.written()).toHaveLength(2);
  });
});
