import type { ServiceBroker, ServiceSchema } from 'moleculer';
import type { z } from 'zod';
import { LocalMailer } from '#adapters/mail/local.ts';
import { listPage, mailPage } from '#adapters/mail/pages.ts';
import { type Mailer, MailRefused } from '#adapters/mail/port.ts';
import { PostOffice } from '#adapters/mail/post-office.ts';
import { createSmtpMailer } from '#adapters/mail/smtp.ts';
import { type MessageDoc, MessageStore } from '#adapters/mail/store.ts';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call, type UsherContext } from '#broker/call.ts';
import type { Caller } from '#contracts/common.ts';
import { messageData, messagesContract } from '#contracts/messages.contract.ts';
import type { MessageKind } from '#domain/booking-messages.ts';
import { hasCode, UsherError } from '#domain/errors.ts';
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
        const { key, kind, to, data } = params;
        await office.take({ _id: key, kind, to, data });
        return { stored: true as const };
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
        compose: (message) => compose(broker, message),
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

/**
 * Address and text of a message, as accounts and bookings stand at this moment. Undefined: it
 * announces a charge that is not to come any more.
 */
async function compose(broker: ServiceBroker, { kind, to, data }: MessageDoc) {
  const { bookingId, instalment, ...about } = messageData.parse(data);
  if (kind === 'instalment-coming') {
    const { payment } = await asBuyer(broker, bookingId, to.userId);
    const part = payment.instalments?.parts.find(({ no }) => no === instalment);
    if (part?.status !== 'due') return undefined;
    about.amount = part.amount;
  }
  const contact = await contactOf(broker, to.userId, to.email);
  const tickets = withTickets.has(kind) ? await ticketsOf(broker, bookingId, to.userId) : [];
  const { email, name } = contact;
  const facts: MessageFacts = { ...about, name, bookingId, tickets };
  return { to: email, ...composeMessage(kind, facts) };
}

async function contactOf(broker: ServiceBroker, userId: string, given: string | undefined) {
  try {
    const { email, name } = await call(broker, 'accounts.contact', { userId });
    return { email: given ?? email, name };
  } catch (error) {
    if (!hasCode(error, 'not-found')) throw error;
    if (given === undefined) throw new MailRefused(`${userId} has no account`, { cause: error });
    return { email: given, name: undefined };
  }
}

/** Its booking, read as the addressee: a mail shows nobody what the API would not. */
function asBuyer(broker: ServiceBroker, bookingId: string, userId: string) {
  const caller: Caller = { userId, roles: ['buyer'], organizerIds: [] };
  return call(broker, 'bookings.get', { bookingId }, { meta: { caller } });
}

/** Its valid tickets. */
async function ticketsOf(broker: ServiceBroker, bookingId: string, userId: string) {
  const { tickets } = await asBuyer(broker, bookingId, userId);
  return tickets
    .filter(({ status }) => status === 'valid')
    .map(({ ticketId, seat }) => ({ code: ticketId, seat }));
}
