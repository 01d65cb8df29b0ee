import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ServiceBroker } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import type { Ids } from '#adapters/ids/port.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { AuditLog } from '#adapters/store/audit-log.ts';
import { AuditSources } from '#adapters/store/audit-sources.ts';
import { type StaffActRow, staffActsCollection } from '#adapters/store/staff-acts.ts';
import { call } from '#broker/call.ts';
import type { SessionView } from '#contracts/accounts.contract.ts';
import { checkChains } from '#ops/audit/check-chains.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createAuditService } from '#services/audit.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const script = fileURLToPath(new URL('./staff-process.ts', import.meta.url));

describeWith(['mongod'], 'changes of an organizer’s staff', () => {
  let database: TestDatabase;
  let broker: ServiceBroker;
  let boss: SessionView['user'];
  /** The next id that the service makes, where a test says so. */
  let nextUlid: string | undefined;
  let people = 0;

  beforeAll(async () => {
    database = await testDatabase('staff');
    const ids: Ids = { ...systemIds, ulid: () => nextUlid ?? systemIds.ulid() };
    const runtime = { config: testConfig({ mongodbUri: database.uri }), clock: systemClock, ids };
    const services = [createAccountsService(runtime), createAuditService(runtime)];
    broker = await startBroker({ services });
    boss = await person({ organizer: { name: 'The house' } });
  });

  afterAll(async () => {
    await broker.stop();
    await database.drop();
  });

  const person = async (more: object = {}) => {
    const email = `p${++people}@example.org`;
    const asked = { email, password: 'correct horse', name: 'Pat', ...more };
    return (await call(broker, 'accounts.signup', asked)).user;
  };
  const organizerId = () => boss.organizers[0]?.organizerId ?? '';
  const asBoss = () => ({
    meta: {
      caller: {
        userId: boss.userId,
        roles: ['organizer' as const],
        organizerIds: [organizerId()],
      },
    },
  });
  const add = (email: string) =>
    call(broker, 'accounts.addStaff', { email, role: 'box-office' }, asBoss());
  const remove = (userId: string) => call(broker, 'accounts.removeStaff', { userId }, asBoss());
  const membersOf = async () => (await call(broker, 'accounts.staff', {}, asBoss())).items;
  const append = async () => {
    while ((await call(broker, 'audit.append', {})).more);
  };
  const logged = async (subject: string) => {
    await append();
    const { items } = await call(broker, 'audit.list', { limit: 100 }, asBoss());
    return items.filter((entry) => entry.subject === subject).reverse();
  };
  const sound = async () => {
    const { db } = database;
    const { chains, unrecorded } = await checkChains(new AuditLog(db), new AuditSources(db));
    expect(chains.flatMap(({ flaws }) => flaws)).toEqual([]);
    expect(unrecorded).toEqual([]);
  };
  const acts = () => database.db.collection<StaffActRow>(staffActsCollection);

  it('stand in its chain: who founded it, who was given a place, who lost it', async () => {
    const pat = await person();
    await add(pat.email);
    await add(pat.email);
    await remove(pat.userId);
    await remove(pat.userId);
    const entry = { actor: boss.userId, subject: pat.userId, organizerId: organizerId() };
    expect(await logged(pat.userId)).toMatchObject([
      { ...entry, act: 'staff.added', data: { role: 'box-office' } },
      { ...entry, act: 'staff.removed', data: { role: 'box-office' } },
    ]);
    expect(await logged(boss.userId)).toMatchObject([
      { actor: boss.userId, act: 'organizer.created', data: { name: 'The house' } },
    ]);
    await sound();
  });

  it('are there with their act or not at all', async () => {
    const pat = await person();
    await add((await person()).email);
    // An act that cannot be written: its id is taken.
    nextUlid = (await acts().findOne({ act: 'staff.added' }))?._id;
    await expect(add(pat.email)).rejects.toThrow();
    expect((await membersOf()).map(({ userId }) => userId)).not.toContain(pat.userId);
    const founder = { organizer: { name: 'Elsewhere' } };
    await expect(person(founder)).rejects.toThrow();
    nextUlid = undefined;
    const accounts = database.db.collection('accounts');
    expect(await accounts.countDocuments({ 'organizers.name': 'Elsewhere' })).toBe(0);
    expect(await logged(pat.userId)).toEqual([]);
    await sound();
  });

  it('asked for at once are written once', async () => {
    const pat = await person();
    const both = await Promise.allSettled([add(pat.email), add(pat.email), add(pat.email)]);
    expect(both.some(({ status }) => status === 'fulfilled')).toBe(true);
    expect((await logged(pat.userId)).map(({ act }) => act)).toEqual(['staff.added']);
    await sound();
  });

  it('are found when an act is changed or taken away', async () => {
    const pat = await person();
    await add(pat.email);
    await append();
    const { db } = database;
    const look = () => checkChains(new AuditLog(db), new AuditSources(db));
    const row = await acts().findOne({ subject: pat.userId });
    if (row === null) throw new Error('no act');
    await acts().updateOne({ _id: row._id }, { $set: { actor: pat.userId } });
    const changed = await look();
    expect(changed.chains.flatMap(({ flaws }) => flaws.map(({ kind }) => kind))).toEqual([
      'unfounded',
    ]);
    await acts().replaceOne({ _id: row._id }, row);
    await acts().insertOne({ ...row, _id: 'forged' });
    expect((await look()).unrecorded).toEqual(['staff:forged']);
    await acts().deleteOne({ _id: 'forged' });
    await sound();
  });

  it('agree with who works there, though the process is killed while it changes it', async () => {
    const team = await Promise.all(Array.from({ length: 6 }, () => person()));
    const names = team.map(({ userId, email }) => `${userId}=${email}`);
    for (let kill = 0; kill < 4; kill++) {
      const child = spawn(process.execPath, [script, database.uri, organizerId(), ...names], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await systemClock.sleep(20 + 31 * kill);
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const members = new Set((await membersOf()).map(({ userId }) => userId));
    let made = 0;
    for (const { userId } of team) {
      const count = (act: string) => acts().countDocuments({ subject: userId, act });
      const [added, removed] = await Promise.all([count('staff.added'), count('staff.removed')]);
      expect(added - removed).toBe(members.has(userId) ? 1 : 0);
      made += added;
    }
    expect(made).toBeGreaterThan(4);
    await append();
    await sound();
  }, 60_000);
});
