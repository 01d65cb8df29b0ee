import nodemailer from 'nodemailer';
import { type Mail, type Mailer, MailRefused } from '#adapters/mail/port.ts';

const timeouts = {
  connectionTimeout: 5_000,
  greetingTimeout: 5_000,
  socketTimeout: 15_000,
  dnsTimeout: 5_000,
} as const;

const isPermanent = (error: unknown): boolean => {
  const { responseCode } = error as { readonly responseCode?: unknown };
  return typeof responseCode === 'number' && responseCode >= 500 && responseCode < 600;
};

/** Sends through the server of `url` (`smtp://user:password@host:587`, `smtps://…`). */
export function createSmtpMailer(url: string): Mailer {
  const { hostname, port, username, password, protocol } = new URL(url);
  const secure = protocol === 'smtps:';
  const transport = nodemailer.createTransport({
    pool: true,
    maxConnections: 5,
    host: hostname,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    ...(username !== '' && {
      auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) },
    }),
    ...timeouts,
  });
  return {
    name: hostname,
    atOnceMax: 64,
    async send(mail: Mail): Promise<void> {
      const { messageId, ...rest } = mail;
      try {
        await transport.sendMail({ ...rest, messageId: `<${messageId}>` });
      } catch (error) {
        if (isPermanent(error)) throw new MailRefused(String(error), { cause: error });
        throw error;
      }
    },
    close: () => transport.close(),
  };
}
