import { describe, expect, it } from '@jest/globals';
import { Errors } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { InventoryClient, type InventorySender } from '#broker/inventory-client.ts';
import type { ExecuteReply } from '#contracts/inventory.contract.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import type { CommandOf } from '#domain/inventory/commands.ts';
import { type Limits, limits } from '#domain/limits.ts';

const eventId = 'evt_01J00000000000000000000000';
const ok = (value: unknown): ExecuteReply => ({ ok: true, value });
const refuse = (code: string, data: Record<string, unknown> = {}): ExecuteReply => ({
  ok: false,
  code,
  detail: code,
  data,
});

type Sent = { nodeId: string; ids: string[]; suspect?: string; timeoutMs: number };
type Answer = (ids: string[]) => ExecuteReply[] | Error;

/** Nodes that answer by script; the last answer of a node repeats. */
function nodesOf(script: Record<string, Answer[]>) {
  const sent: Sent[] = [];
  const sender: InventorySender = {
    nodesOf: () => Object.keys(script),
    send: async (nodeId, _action, params, timeoutMs) => {
      const { commands, suspect } = params as { commands: { id: string }[]; suspect?: string };
      const ids = commands.map(({ id }) => id);
      sent.push({ nodeId, ids, timeoutMs, ...(suspect === undefined ? {} : { suspect }) });
      const answers = script[nodeId] ?? [];
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      const result = answer?.(ids) ?? new Errors.ServiceNotFoundError({ action: 'inventory' });
      if (result instanceof Error) throw result;
      return { replies: result };
    },
  };
  return { sender, sent };
}

const quick: Limits = { ...limits, movedBackoffMs: [1, 1, 1] };
const clientOf = (sender: InventorySender, with_: Partial<Limits> = {}) =>
  new InventoryClient(sender, systemClock, systemIds, { ...quick, ...with_ });

const release = (id: string, deadlineMs = 1_000): CommandOf<'release'> => ({
  kind: 'release',
  id,
  eventId,
  holdId: `rsv_${id}`,
  buyerId: 'usr_1',
  deadline: Date.now() + deadlineMs,
});

const echo: Answer = (ids) => ids.map((id) => ok({ holdId: id }));
const timeout: Answer = () => new Errors.RequestTimeoutError({ action: 'x', nodeID: 'a' });
const gone: Answer = () => new Errors.ServiceNotFoundError({ action: 'x', nodeID: 'a' });
const movedTo =
  (owner: string): Answer =>
  (ids) =>
    ids.map(() => refuse('moved', { owner }));

describe('the inventory client', () => {
  it('sends the commands of one tick in one message and gives each its own reply', async () => {
    const { sender, sent } = nodesOf({
      a: [(ids) => ids.map((id, i) => (i ? ok(id) : refuse('sold-out')))],
    });
    const client = clientOf(sender);
    const [first, second] = await Promise.allSettled([
      client.execute(release('1')),
      client.execute(release('2')),
    ]);
    expect(sent).toHaveLength(1);
    expect(sent[0]?.ids).toEqual(['1', '2']);
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'sold-out' } });
    expect(second).toMatchObject({ status: 'fulfilled', value: '2' });
    expect(client.inFlight).toBe(0);
  });

  it('bounds a message by commands', async () => {
    const { sender, sent } = nodesOf({ a: [echo] });
    const client = clientOf(sender, { inventoryMessageCommandsMax: 2 });
    await Promise.all(['1', '2', '3', '4', '5'].map((id) => client.execute(release(id))));
    expect(sent.map(({ ids }) => ids.length)).toEqual([2, 2, 1]);
  });

  it('bounds a message by the bytes of the commands and of their replies', async () => {
    const { sender, sent } = nodesOf({ a: [echo] });
    const client = clientOf(sender, { inventoryMessageBytesMax: 5_000 });
    const block = (id: string): CommandOf<'block'> => ({
      ...release(id),
      kind: 'block',
      version: 1,
      seats: Array.from({ length: 200 }, (_, i) => `seat-number-${i}`),
    });
    await Promise.all(['1', '2', '3'].map((id) => client.execute(block(id))));
    expect(sent.map(({ ids }) => ids)).toEqual([['1'], ['2'], ['3']]);
  });

  it('refuses a command that no message can carry', async () => {
    const { sender } = nodesOf({ a: [echo] });
    const huge = {
      ...release('1'),
      kind: 'block' as const,
      version: 1,
      seats: ['x'.repeat(1_000_000)],
    };
    await expect(clientOf(sender).execute(huge)).rejects.toMatchObject({ code: 'body-too-large' });
  });

  it('sends only what was moved to the named owner, under the same command id', async () => {
    const { sender, sent } = nodesOf({
      a: [(ids) => ids.map((id) => (id === '1' ? ok(id) : refuse('moved', { owner: 'c' })))],
      b: [echo],
      c: [echo],
    });
    const client = clientOf(sender);
    await Promise.all([client.execute(release('1')), client.execute(release('2'))]);
    expect(sent.map(({ nodeId, ids }) => [nodeId, ids])).toEqual([
      ['a', ['1', '2']],
      ['c', ['2']],
    ]);
  });

  it('remembers the owner for the next message', async () => {
    const { sender, sent } = nodesOf({ a: [movedTo('b')], b: [echo] });
    const client = clientOf(sender);
    await client.execute(release('1'));
    await client.execute(release('2'));
    expect(sent.map(({ nodeId }) => nodeId)).toEqual(['a', 'b', 'b']);
  });

  it('asks the next node and names the silent one as suspect', async () => {
    const { sender, sent } = nodesOf({ a: [timeout], b: [echo], c: [echo] });
    await clientOf(sender).execute(release('1'));
    expect(sent).toMatchObject([{ nodeId: 'a' }, { nodeId: 'b', suspect: 'a' }]);
    expect(sent[0]?.suspect).toBeUndefined();
  });

  it('goes back to a silent owner that the next node knows to be alive', async () => {
    const { sender, sent } = nodesOf({ a: [timeout, echo], b: [movedTo('a')] });
    await clientOf(sender).execute(release('1'));
    expect(sent.map(({ nodeId, suspect }) => [nodeId, suspect])).toEqual([
      ['a', undefined],
      ['b', 'a'],
      ['a', undefined],
    ]);
  });

  it('names an owner that left the cluster as suspect', async () => {
    const { sender, sent } = nodesOf({ a: [movedTo('z'), echo], b: [echo] });
    await clientOf(sender).execute(release('1'));
    expect(sent.map(({ nodeId, suspect }) => [nodeId, suspect])).toEqual([
      ['a', undefined],
      ['a', 'z'],
    ]);
  });

  it('gives up with moving after the stated number of retries', async () => {
    const { sender, sent } = nodesOf({ a: [movedTo('b')], b: [movedTo('a')] });
    await expect(clientOf(sender).execute(release('1'))).rejects.toMatchObject({ code: 'moving' });
    expect(sent).toHaveLength(1 + limits.movedRetriesMax);
  });

  it('answers outcome-unknown when a send that may have arrived stays unanswered', async () => {
    const { sender } = nodesOf({ a: [timeout] });
    await expect(clientOf(sender).execute(release('1', 30))).rejects.toMatchObject({
      code: 'outcome-unknown',
    });
  });

  it('does not take a later refusal to serve for the outcome of an open send', async () => {
    const { sender } = nodesOf({ a: [timeout], b: [(ids) => ids.map(() => refuse('overloaded'))] });
    await expect(clientOf(sender).execute(release('1'))).rejects.toMatchObject({
      code: 'outcome-unknown',
    });
  });

  it('answers unavailable when nothing was ever reached', async () => {
    const { sender } = nodesOf({ a: [gone], b: [gone] });
    await expect(clientOf(sender).execute(release('1'))).rejects.toMatchObject({
      code: 'unavailable',
    });
    const none = nodesOf({});
    await expect(clientOf(none.sender).execute(release('1'))).rejects.toMatchObject({
      code: 'unavailable',
    });
  });

  it('refuses a command whose deadline has passed without sending it', async () => {
    const { sender, sent } = nodesOf({ a: [echo] });
    await expect(clientOf(sender).execute(release('1', -1))).rejects.toMatchObject({
      code: 'deadline-exceeded',
    });
    expect(sent).toHaveLength(0);
  });

  it('refuses at once what exceeds the commands in flight, per event and in all', async () => {
    const { sender } = nodesOf({ a: [echo] });
    for (const bound of ['inventoryInFlightPerEventMax', 'inventoryInFlightMax'] as const) {
      const client = clientOf(sender, { [bound]: 1 });
      const first = client.execute(release('1'));
      await expect(client.execute(release('2'))).rejects.toMatchObject({ code: 'overloaded' });
      await first;
      await expect(client.execute(release('3'))).resolves.toEqual({ holdId: '3' });
    }
  });

  it('never waits longer for one node than the stated silence', async () => {
    const { sender, sent } = nodesOf({ a: [echo] });
    await clientOf(sender).execute(release('1', 60_000));
    expect(sent[0]?.timeoutMs).toBe(limits.inventorySilenceMs);
  });

  it("keeps a remote error's code and hides what is not in the registry", async () => {
    const remote = Object.assign(new Error('full'), { code: 'overloaded', type: 'overloaded' });
    const { sender } = nodesOf({ a: [() => remote, () => new TypeError('secret')] });
    const client = clientOf(sender);
    await expect(client.execute(release('1'))).rejects.toMatchObject({ code: 'overloaded' });
    const error = await client.execute(release('2')).catch((e: unknown) => e);
    expect(codeOf(error)).toBe('internal');
    expect((error as Error).message).not.toContain('secret');
  });
});

describe('reading a view', () => {
  it('is shared by those who read at the same time and follows moved', async () => {
    const asked: string[] = [];
    const sender: InventorySender = {
      nodesOf: () => ['a', 'b'],
      send: async (nodeId) => {
        asked.push(nodeId);
        if (nodeId === 'a') throw new UsherError('moved', 'moved', { owner: 'b' });
        return { eventId, version: 7 };
      },
    };
    const client = clientOf(sender);
    const deadline = Date.now() + 1_000;
    const views = await Promise.all([
      client.view(eventId, deadline),
      client.view(eventId, deadline),
    ]);
    expect(views.map(({ version }) => version)).toEqual([7, 7]);
    expect(asked).toEqual(['a', 'b']);
    await client.view(eventId, deadline);
    expect(asked).toEqual(['a', 'b', 'b']);
  });

  it('ends as unavailable, not as an unknown outcome, when no node answers', async () => {
    const sender: InventorySender = {
      nodesOf: () => ['a'],
      send: async () => {
        throw new Errors.RequestTimeoutError({ action: 'x', nodeID: 'a' });
      },
    };
    await expect(clientOf(sender).view(eventId, Date.now() + 500)).rejects.toMatchObject({
      code: 'unavailable',
    });
  });
});
