import type { Db } from 'mongodb';
import { truthful } from '#adapters/journal/mongo-keys.ts';
import type { NodeRow, Nodes } from '#adapters/journal/port.ts';
import type { Limits } from '#domain/limits.ts';

type NodeDocument = {
  readonly _id: string;
  readonly incarnation: string;
  readonly offering: boolean;
  readonly at: Date;
};

/** Heartbeats in MongoDB, collection `nodes`, timed by the server (`$$NOW`). */
export function createMongoNodes(db: Db, limits: Limits): Nodes {
  // A late heartbeat is worth nothing: the next one is due.
  const options = { ...truthful(limits), timeoutMS: limits.heartbeatDeadMs };
  const nodes = db.collection<NodeDocument>('nodes', options);
  return {
    async beat(nodeId, incarnation, offering) {
      const written = await nodes.findOneAndUpdate(
        { _id: nodeId },
        [{ $set: { incarnation: { $literal: incarnation }, offering, at: '$$NOW' } }],
        { upsert: true, returnDocument: 'after' },
      );
      if (written === null) throw new Error('the heartbeat was not answered');
      return written.at.getTime();
    },
    async all() {
      const ageMs = { $subtract: ['$$NOW', '$at'] };
      const rows = await nodes
        .aggregate<NodeRow>([
          { $project: { _id: 0, nodeId: '$_id', incarnation: 1, offering: 1, ageMs } },
        ])
        .toArray();
      return rows.map((row) => ({ ...row, ageMs: Number(row.ageMs) }));
    },
    async remove(nodeId, incarnation) {
      await nodes.deleteOne({ _id: nodeId, incarnation });
    },
  };
}
