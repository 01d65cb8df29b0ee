import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Told } from '#ops/chaos/money-crowd.ts';
import type { MoneyStage } from '#ops/chaos/money-stage.ts';
import { toldFindings } from '#ops/chaos/money-told.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

type Row = { _id: string; [field: string]: unknown };

const told = (bookingId: string, over: Partial<Told> = {}): Told => ({
  ...{ bookingId, eventId: 'evt_a', tickets: 1, goodwill: 0, unsure: false },
  ...over,
});
const stage: MoneyStage = {
  organizer: { token: async () => '' },
  eventIds: ['evt_a', 'evt_b'],
  cancelledId: 'evt_c',
  packageId: 'pkg_a',
  promoCodes: [],
  vouchers: { small: [], large: [] },
  soonAt: 0,
};

describeWith(['mongod'], 'what buyers were told of their money', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase('money-told');
    const given = { tickets: [], goodwill: { organizer: 300, platform: 0 } };
    await database.db.collection<Row>('bookings').insertMany([
      { _id: 'bkg_a', returns: [] },
      { _id: 'bkg_kind', returns: [given] },
      { _id: 'bkg_kinder', returns: [given, given] },
    ]);
    await database.db.collection<Row>('tickets').insertMany(
      ['bkg_a', 'bkg_kind', 'bkg_kinder'].map((bookingId) => ({
        ...{ _id: `tkt_${bookingId}`, bookingId, active: true },
      })),
    );
  });

  afterAll(() => database?.drop());

  const findings = (...all: readonly Told[]): Promise<string[]> => {
    const known = new Map(all.map((one) => [one.bookingId, one]));
    return toldFindings(database.db, { told: known, stage, cancelled: false }, []);
  };

  it('finds nothing where it is kept, or where nothing was learnt', async () => {
    expect(await findings(told('bkg_a'), told('bkg_kind', { goodwill: 1 }))).toEqual([]);
    const unknown = told('bkg_a', { tickets: undefined });
    expect(await findings(unknown, told('bkg_kind', { unsure: true }))).toEqual([]);
  });

  it('finds bookings and tickets that are missing or too many', async () => {
    expect(await findings(told('bkg_a', { tickets: 2 }), told('bkg_gone'))).toEqual([
      'bkg_a must have 2 tickets, has 1',
      'bkg_gone was confirmed, there is no such booking',
    ]);
    expect(await findings(told('bkg_a', { tickets: 0 }))).toEqual([
      'bkg_a must have 0 tickets, has 1',
    ]);
  });

  it('finds goodwill that did not go out, or twice', async () => {
    expect(await findings(told('bkg_a', { goodwill: 1 }))).toEqual([
      'bkg_a was told of goodwill 1 times, has it 0 times',
    ]);
    expect(await findings(told('bkg_kinder', { goodwill: 1 }))).toEqual([
      'bkg_kinder was told of goodwill 1 times, has it 2 times',
    ]);
  });
});
