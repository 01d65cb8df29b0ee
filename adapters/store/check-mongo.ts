import { MongoClient } from 'mongodb';

/** MongoDB 6.0's protocol version. */
const wireVersionMin = 17;

/**
 * Waits until the server named by `MONGODB_URI` answers and holds that it can do what is needed:
 * transactions (a replica set or a sharded cluster), 6.0 or newer. Answers a description such as
 * `MongoDB 8.0.4 at db-1:27017`. Rejects with a sentence for the operator; never shows a password.
 */
export async function checkMongo(uri: string, waitMs: number): Promise<string> {
  const client = clientOf(uri, waitMs);
  const hosts = client.options.srvHost ?? client.options.hosts.join(', ');
  try {
    const admin = client.db('admin');
    const hello = await admin.command({ hello: 1 }).catch((error: Error) => {
      const { message } = error;
      throw new Error(
        `MongoDB at ${hosts} (MONGODB_URI) cannot be used within ${waitMs / 1_000} s (${message})`,
      );
    });
    if (hello.setName === undefined && hello.msg !== 'isdbgrid') {
      throw new Error(
        `MongoDB at ${hosts} (MONGODB_URI) is a single server: make it a replica set ` +
          '(mongod --replSet rs0, then rs.initiate()), which transactions need',
      );
    }
    if (hello.maxWireVersion < wireVersionMin) {
      throw new Error(`MongoDB at ${hosts} (MONGODB_URI) is older than 6.0`);
    }
    const { version } = await admin.command({ buildInfo: 1 });
    return `MongoDB ${version} at ${hosts}`;
  } finally {
    await client.close();
  }
}

function clientOf(uri: string, waitMs: number): MongoClient {
  try {
    return new MongoClient(uri, { serverSelectionTimeoutMS: waitMs, connectTimeoutMS: waitMs });
  } catch (error) {
    throw new Error(`MONGODB_URI is not a connection string (${(error as Error).message})`);
  }
}
