import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import { createAuditService } from '#services/audit.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';

/** Appends to the audit log in a process of its own, to be killed; a line for each batch. */
const [mongodbUri = ''] = process.argv.slice(2);
const runtime = { config: testConfig({ mongodbUri }), clock: systemClock, ids: systemIds };
const broker = await startBroker({ services: [createAuditService(runtime)] });
for (;;) {
  // What the last process held is let go by the database after a while.
  const added = await call(broker, 'audit.append', { limit: 5 }).then(
    (done) => done.added,
    () => 0,
  );
  console.log(added);
  if (added === 0) await systemClock.sleep(20);
}
