import type { ServiceBroker, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { LocalMailer } from '#adapters/mail/local.ts';
import { listPage, mailPage } from '#adapters/mail/pages.ts';
import { type Mailer, MailRefused } from '#adapters/mail/port.ts';
import { type Letter, PostOffice } from '#adapters/mail/post-office.ts';
import { createSmtpMailer } from '#adapters/mail/smtp.ts';
import { type MessageDoc, MessageStore } from '#adapters/mail/store.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call, type UsherContext } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { messageData, messagesContract } from '#contracts/messages.contract.ts';
import type { MessageKind } from '#domain/booking-messages.ts';
import { UsherError } from '#domain/errors.ts';
import { composeMessage, type MessageFacts } from '#domain/message-text.ts';
import type { Runtime } from '#mixins/runtime.ts';

type Actions = (typeof messagesContract)['actions'];
type Ctx<K extends keyof Actions> = UsherContext<z.output<Actions[K]['params']>>;

const listedMax = 200;

/** Kinds that carry the tickets themselves. */
const withTickets: ReadonlySet<MessageKind> = new Set(['booking-confirmed', 'booking-reminder']);

/** Messages to people: stored once by key, sent by mail. */
export function createMessagesService(runtime: Runtime): ServiceSchema {
  const { clock, ids, config } = runtime;
  const from = `tickets@${new URL(config.publicUrl).hostname}`;
  let local: LocalMailer | undefined;
  let mailer: Mailer;
  let office: PostOffice;

  const page = (): LocalMailer => {
    if (local === undefined) throw new UsherError('not-found', 'Mails go to a mail server');
    return local;
  };

  return {
    name: messagesContract.name,
    actions: {
      deliver: async ({ params }: Ctx<'deliver'>) => {
        const { messages } = params;
        await office.take(messages.map(({ key: _id, ...message }) => ({ _id, ...message })));
        return { stored: messages.length };
      },

      sentMails: async ({ params: { to } }: Ctx<'sentMails'>) => {
        const filter = to === undefined || to === '' ? {} : { to };
        const [mails, total] = await Promise.all([page().list(filter, listedMax), page().count()]);
        return listPage(mails, { total, to });
      },

      sentMail: async ({ params }: Ctx<'sentMail'>) => {
        const mail = await page().find(params.mailId);
        if (mail === undefined) throw new UsherError('not-found');
        return mailPage(mail);
      },
    },

    async started() {
      const db = await acquireMongo(config.mongodbUri);
      const store = new MessageStore(db, clock);
      await store.prepare();
      if (config.smtpUrl === undefined) {
        local = new LocalMailer(db, clock);
        await local.prepare();
      }
      mailer = local ?? createSmtpMailer(config.smtpUrl ?? '');
      const { broker } = this;
      office = new PostOffice({
        clock,
        ids,
        store,
        mailer,
        from,
        compose: (messages) => composeAll(broker, messages),
        trouble: (message, error, final) => {
          const about = { key: message._id, tries: message.tries, error: String(error) };
          if (final) broker.logger.error('message given up, kept as failed', about);
          else broker.logger.warn('message not sent yet', about);
        },
      });
      office.start();
    },

    async stopped() {
      await office?.drain();
      mailer?.close();
      await releaseMongo(config.mongodbUri);
    },
  };
}

/** Addresses and texts of messages, as accounts and bookings stand at this moment. */
async function composeAll(broker: ServiceBroker, messages: readonly MessageDoc[]) {
  const [contacts, tickets] = await Promise.all([
    contactsOf(broker, messages),
    ticketsOf(broker, messages),
  ]);
  const letterOf = async ({ kind, to: { userId, email }, data }: MessageDoc): Promise<Letter> => {
    const contact = contacts.get(userId);
    const to = email ?? contact?.email;
    if (to === undefined) return new MailRefused(`${userId} has no account`);
    const { bookingId, instalment, ...about } = messageData.parse(data);
    if (kind === 'instalment-coming') {
      const amount = await amountToCome(broker, bookingId, userId, instalment);
      if (amount === undefined) return 'outdated';
      about.amount = amount;
    }
    const own = withTickets.has(kind) ? (tickets.get(`${bookingId} ${userId}`) ?? []) : [];
    const facts: MessageFacts = { ...about, name: contact?.name, bookingId, tickets: own };
    return { to, ...composeMessage(kind, facts) };
  };
  return Promise.all(messages.map((message) => letterOf(message).catch(asError)));
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

/** What an instalment comes to now, read as the addressee; undefined: it is not due any more. */
async function amountToCome(
  broker: ServiceBroker,
  bookingId: string,
  userId: string,
  instalment: number | undefined,
) {
  const caller: Caller = { userId, roles: ['buyer'], organizerIds: [] };
  const { payment } = await call(broker, 'bookings.get', { bookingId }, { meta: { caller } });
  const part = payment.instalments?.parts.find(({ no }) => no === instalment);
  return part?.status === 'due' ? part.amount : undefined;
}

async function contactsOf(broker: ServiceBroker, messages: readonly MessageDoc[]) {
  const userIds = [...new Set(messages.map(({ to }) => to.userId))];
  const { contacts } = await call(broker, 'accounts.contacts', { userIds });
  return new Map(contacts.map((contact) => [contact.userId, contact]));
}

/** The valid tickets by booking and addressee: a mail shows nobody another's. */
async function ticketsOf(broker: ServiceBroker, messages: readonly MessageDoc[]) {
  const bookings = messages
    .filter(({ kind }) => withTickets.has(kind))
    .map(({ to, data }) => ({ bookingId: String(data.bookingId), buyerId: to.userId }));
  const { tickets } =
    bookings.length === 0
      ? { tickets: [] }
      : await call(broker, 'bookings.validTickets', { bookings });
  const found = tickets.map(({ ticketId: code, ...ticket }) => ({ code, ...ticket }));
  return Map.groupBy(found, ({ bookingId, buyerId }) => `${bookingId} ${buyerId}`);
}
