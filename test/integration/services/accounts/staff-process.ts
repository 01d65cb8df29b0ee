import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';

/** Gives people a place at an organizer and takes it away, again and again, until it is killed. */
const [mongodbUri = '', organizerId = '', ...people] = process.argv.slice(2);
const runtime = { config: testConfig({ mongodbUri }), clock: systemClock, ids: systemIds };
const broker = await startBroker({ services: [createAccountsService(runtime)] });
const caller: Caller = {
  userId: 'usr_00000000000000000000000001',
  roles: ['organizer'],
  organizerIds: [organizerId],
};
const as = { meta: { caller } };
for (;;) {
  for (const person of people) {
    const [userId = '', email = ''] = person.split('=');
    // What the last process held is let go by the database after a while.
    const hired = await call(broker, 'accounts.addStaff', { email, role: 'box-office' }, as).catch(
      () => undefined,
    );
    await call(broker, 'accounts.removeStaff', { userId }, as).catch(() => undefined);
    if (hired !== undefined) console.log(userId);
  }
}
