import type { Db } from 'mongodb';
import type { Clock } from '#adapters/clock/port.ts';
import { timed, truthful } from '#adapters/journal/mongo-keys.ts';
import type { NodeRow, Nodes } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

type NodeDocument = {
  readonly _id: string;
  readonly incarnation: string;
  readonly offering: boolean;
  readonly at: Date;
};

/** Heartbeats in MongoDB, collection `nodes`, timed by the server (`$$NOW`). */
export function createMongoNodes(db: Db, limits: Limits, clock: Clock): Nodes {
  // A late heartbeat is worth nothing: the next one is due.
  const inTime = timed(clock, limits.heartbeatDeadMs);
  const nodes = db.collection<NodeDocument>('nodes', truthful(limits));
  return {
    async beat(nodeId, incarnation, offering) {
      const life = { $literal: incarnation };
      const written = await inTime(() =>
        nodes.findOneAndUpdate(
          { _id: nodeId },
          [{ $set: { incarnation: life, offering, at: '$$NOW' } }],
          { upsert: true, returnDocument: 'after' },
        ),
      );
      if (written === null) throw new Error('the heartbeat was not answered');
      return written.at.getTime();
    },
    async all() {
      const ageMs = { $subtract: ['$$NOW', '$at'] };
      const project = { _id: 0, nodeId: '$_id', incarnation: 1, offering: 1, ageMs };
      const rows = await inTime(() => nodes.aggregate<NodeRow>([{ $project: project }]).toArray());
      return rows.map((row) => ({ ...row, ageMs: Number(row.ageMs) }));
    },
    async remove(nodeId, incarnation) {
      await inTime(() => nodes.deleteOne({ _id: nodeId, incarnation }));
    },
  };
}
