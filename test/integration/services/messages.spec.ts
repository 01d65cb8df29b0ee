import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { ServiceBroker, ServiceSchema } from 'moleculer';
import { systemClock } from '#adapters/clock/system.ts';
import { systemIds } from '#adapters/ids/system.ts';
import { call } from '#broker/call.ts';
import type { OutboxMessage } from '#contracts/messages.contract.ts';
import { codeOf, UsherError } from '#domain/errors.ts';
import { makeId, makeScopedId } from '#domain/ids.ts';
import { createMessagesService } from '#services/messages.service.ts';
import { startBroker } from '#test/support/broker.ts';
import { testConfig } from '#test/support/config.ts';
import { describeWith, type TestDatabase, testDatabase } from '#test/support/servers.ts';

const eventId = makeId('event', systemIds.ulid());
const bookingId = makeScopedId('booking', eventId, systemIds.ulid());
const ticketId = makeScopedId('ticket', eventId, systemIds.ulid());
const userId = makeId('user', systemIds.ulid());

const confirmed: OutboxMessage = {
  key: `${bookingId}:confirmed`,
  kind: 'booking-confirmed',
  to: { userId },
  data: {
    bookingId,
    eventId,
    version: 3,
    seats: [{ id: 'A-1', category: 'A' }],
    amount: { amount: 900, currency: 'EUR' },
    event: { name: 'Tosca', startsAt: 0, timeZone: 'Europe/Vienna', venue: 'Staatsoper' },
  },
};

const euros = (amount: number) => ({ amount, currency: 'EUR' });
/** The second part is still to come, and has become smaller; the first is paid. */
const inParts = {
  planId: 'halves',
  outstanding: euros(300),
  admitsBeforePaid: false,
  parts: [
    { no: 1, amount: euros(450), dueAt: new Date(0).toISOString(), status: 'paid' },
    { no: 2, amount: euros(300), dueAt: new Date(0).toISOString(), status: 'due' },
  ],
};

/** Accounts and bookings that know one buyer with one ticket. */
function neighbours(state: { away: boolean }): ServiceSchema[] {
  return [
    {
      name: 'accounts',
      actions: {
        contacts: ({ params }) => {
          if (state.away) throw new UsherError('unavailable');
          const known = params.userIds.includes(userId);
          return { contacts: known ? [{ userId, email: 'ada@example.com', name: 'Ada' }] : [] };
        },
      },
    },
    {
      name: 'bookings',
      actions: {
        get: ({ params, meta }) => {
          const { caller } = meta as { caller?: { userId: string } };
          if (caller?.userId !== userId || params.bookingId !== bookingId) {
            throw new UsherError('not-found');
          }
          const at = new Date(0).toISOString();
          const seat = { id: 'A-1', category: 'A' };
          return {
            bookingId,
            eventId,
            status: 'confirmed',
            reservationId: makeScopedId('reservation', eventId, systemIds.ulid()),
            seats: [seat],
            total: { amount: 900, currency: 'EUR' },
            payment: { status: 'succeeded', instalments: inParts },
            tickets: [{ ticketId, seat, status: 'valid' }],
            refunds: [],
            cancelRequested: false,
            createdAt: at,
            updatedAt: at,
          };
        },
        validTickets: ({ params }) => {
          const asked = { bookingId, buyerId: userId };
          const own = params.bookings.some((one: object) => isDeepStrictEqual(one, asked));
          const seat = { id: 'A-1', category: 'A' };
          return { tickets: own ? [{ ...asked, ticketId, seat }] : [] };
        },
      },
    },
  ];
}

/** A mail server that speaks just enough SMTP; keeps what it took, refuses as it is told. */
async function mailServer() {
  const taken: string[] = [];
  const state = { refuse: '' };
  const talk = (socket: Socket) => {
    let data: string | undefined;
    let buffer = '';
    const say = (line: string) => socket.write(`${line}\r\n`);
    say('220 test ESMTP');
    socket.on('error', () => undefined);
    socket.on('data', (part) => {
      buffer += part.toString();
      for (;;) {
        const end = buffer.indexOf('\r\n');
        if (end < 0) return;
        const line = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (data !== undefined) {
          if (line !== '.') {
            data += `${line}\n`;
            continue;
          }
          taken.push(data);
          data = undefined;
          say('250 ok');
        } else if (line === 'DATA') {
          data = '';
          say('354 go on');
        } else if (line.startsWith('RCPT') && state.refuse !== '') say(state.refuse);
        else if (line === 'QUIT') say('221 bye');
        else say('250 ok');
      }
    });
  };
  const server: Server = createServer(talk);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, taken, state, close: () => server.close() };
}

async function until(holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const deadline = systemClock.now() + ms;
  while (!(await holds())) {
    if (systemClock.now() > deadline) throw new Error('It did not happen in time');
    await systemClock.sleep(20);
  }
}

describeWith(['mongod'], 'the messages service', () => {
  let database: TestDatabase;
  let brokers: ServiceBroker[];
  let state: { away: boolean };

  const start = async (smtpUrl?: string): Promise<ServiceBroker> => {
    const config = testConfig({ mongodbUri: database.uri, ...(smtpUrl && { smtpUrl }) });
    const runtime = { config, clock: systemClock, ids: systemIds };
    const services = [createMessagesService(runtime), ...neighbours(state)];
    const broker = await startBroker({ services });
    brokers.push(broker);
    return broker;
  };

  const messages = () => database.db.collection<{ _id: string; state: string }>('messages');
  const stateOf = async (key: string) => (await messages().findOne({ _id: key }))?.state;
  const sentCount = () => database.db.collection('sent_mails').countDocuments();

  beforeEach(async () => {
    database = await testDatabase('messages');
    brokers = [];
    state = { away: false };
  });

  afterEach(async () => {
    for (const broker of brokers) await broker.stop();
    await database.drop();
  });

  it('sends the tickets to the buyer and shows the mail on its page', async () => {
    const broker = await start();
    await call(broker, 'messages.deliver', { messages: [confirmed] });
    await until(async () => (await stateOf(confirmed.key)) === 'sent');
    const list = await call(broker, 'messages.sentMails', {});
    expect(list).toContain('ada@example.com');
    const mailId = /\/dev\/mail\/([^"]+)"/.exec(list)?.[1] ?? '';
    const page = await call(broker, 'messages.sentMail', { mailId: decodeURIComponent(mailId) });
    expect(page).toContain(ticketId);
    expect(page).toContain('Tosca');
  });

  it('stores and sends a message once, however often and wherever it is delivered', async () => {
    const [one, two] = [await start(), await start()];
    const keys = Array.from({ length: 20 }, (_, n) => `${bookingId}:${n}`);
    await Promise.all(
      [one, two, one].flatMap((broker) =>
        [keys.slice(0, 12), keys.slice(8)].map((some) =>
          call(broker, 'messages.deliver', {
            messages: some.map((key) => ({ ...confirmed, key })),
          }),
        ),
      ),
    );
    await until(async () => (await messages().countDocuments({ state: 'sent' })) === 20);
    expect(await messages().countDocuments()).toBe(20);
    expect(await sentCount()).toBe(20);
    const tries = await messages().distinct('tries');
    expect(tries).toEqual([1]);
  });

  it('sends what it can of messages that come together', async () => {
    const broker = await start();
    const stranger = { userId: makeId('user', systemIds.ulid()) };
    const others = [
      { ...confirmed, key: 'nobody', to: stranger },
      { ...confirmed, key: 'guest', to: { ...stranger, email: 'guest@example.com' } },
      { ...confirmed, key: 'odd', data: {} },
    ];
    await call(broker, 'messages.deliver', { messages: [...others, confirmed] });
    await until(async () => (await messages().countDocuments({ state: 'sent' })) === 2);
    expect(await stateOf('guest')).toBe('sent');
    expect(await stateOf(confirmed.key)).toBe('sent');
    await until(async () => (await messages().countDocuments({ error: { $exists: true } })) === 2);
    expect(await call(broker, 'messages.sentMails', {})).toContain('guest@example.com');
    // The other has no tickets of theirs.
    const mail = await database.db.collection('sent_mails').findOne({ to: 'guest@example.com' });
    expect(mail?.text).not.toContain(ticketId);
  });

  it('keeps a message that cannot be sent now and sends it later', async () => {
    state.away = true;
    const broker = await start();
    await call(broker, 'messages.deliver', { messages: [confirmed] });
    await systemClock.sleep(500);
    expect(await stateOf(confirmed.key)).toBe('due');
    state.away = false;
    await until(async () => (await stateOf(confirmed.key)) === 'sent');
  });

  it('sends what a killed node left behind', async () => {
    await messages().insertOne({
      _id: 'left',
      kind: 'payment-undone',
      to: { userId },
      data: { bookingId },
      state: 'due',
      dueAt: 0,
      tries: 1,
      storedAt: 0,
    } as never);
    await start();
    await until(async () => (await stateOf('left')) === 'sent');
  });

  it('announces an instalment as it is now, and drops what was paid meanwhile', async () => {
    const broker = await start();
    const coming = (instalment: number): OutboxMessage => ({
      ...confirmed,
      key: `${bookingId}:coming-${instalment}`,
      kind: 'instalment-coming',
      data: { ...confirmed.data, amount: euros(450), instalment, chargeAt: 0 },
    });
    await call(broker, 'messages.deliver', { messages: [coming(1), coming(2)] });
    await until(async () => (await stateOf(coming(2).key)) === 'sent');
    await until(async () => (await stateOf(coming(1).key)) === 'dropped');
    const [mail, none] = await database.db.collection('sent_mails').find().toArray();
    expect(none).toBeUndefined();
    expect(mail?.text).toContain('we charge 3.00 EUR to your card on Thursday, 1 January 1970');
  });

  it('speaks SMTP, with one Message-ID for one message', async () => {
    const server = await mailServer();
    const broker = await start(server.url);
    await call(broker, 'messages.deliver', { messages: [confirmed] });
    await until(async () => (await stateOf(confirmed.key)) === 'sent');
    await messages().updateOne({ _id: confirmed.key }, {
      $set: { state: 'due', dueAt: 0 },
    } as never);
    await until(() => server.taken.length === 2);
    const ids = server.taken.map((mail) => /^Message-ID: (.*)$/im.exec(mail)?.[1]);
    expect(ids[0]).toMatch(/^<[0-9a-f]{40}@localhost>$/);
    expect(ids[1]).toBe(ids[0]);
    expect(server.taken[0]).toMatch(/^To: ada@example.com$/m);
    const outcome = await call(broker, 'messages.sentMails', {}).catch((error) => codeOf(error));
    expect(outcome).toBe('not-found');
    server.close();
  });

  it('gives up what the mail server refuses for good, and keeps it', async () => {
    const server = await mailServer();
    server.state.refuse = '550 no such user';
    const broker = await start(server.url);
    await call(broker, 'messages.deliver', { messages: [confirmed] });
    await until(async () => (await stateOf(confirmed.key)) === 'failed');
    expect(await messages().findOne({ _id: confirmed.key })).toMatchObject({
      tries: 3,
      error: expect.stringContaining('550'),
    });
    server.close();
  });
});
