import { expect, it } from '@jest/globals';
import {
  accepted,
  floorTerms,
  holdOf,
  newEventId,
  openCommand,
  startNode,
} from '#bench/support/event-host.ts';
import { describeWith, testDatabase } from '#test/support/servers.ts';

describeWith(['mongod'], 'two events on one node', () => {
  it('share it: one that everybody wants does not keep the other waiting', async () => {
    const database = await testDatabase('fairness');
    const node = await startNode(database.uri, { nodeId: 'fair' });
    try {
      const [hot, quiet] = [newEventId(), newEventId()];
      const seats = 8_000;
      for (const id of [hot, quiet]) {
        await accepted(node.host, id, [openCommand(id, floorTerms(seats))]);
      }
      let answered = 0;
      const crowd = Array.from({ length: seats }, (_, seat) =>
        node.host.execute(hot, [holdOf(hot, seat)]).then(() => {
          answered++;
        }),
      );
      const left: number[] = [];
      for (let seat = 0; seat < 3; seat++) {
        await accepted(node.host, quiet, [holdOf(quiet, seat)]);
        left.push(seats - answered);
      }
      await Promise.all(crowd);
      expect(answered).toBe(seats);
      // In turn with batches of the crowd, not behind the crowd.
      expect(Math.min(...left)).toBeGreaterThan(seats / 4);
    } finally {
      await node.close();
      await database.drop();
    }
  });
});
