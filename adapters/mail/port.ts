/** One mail to one person. */
export type Mail = {
  /** The same for every sending of the same message: `<…@host>` without the brackets. */
  readonly messageId: string;
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
};

/** The server refused the mail for good (an address that does not exist): no try will do better. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused';
}

/**
 * Hands mails to the world. At least once: a process that dies between the server's yes and our
 * note of it sends again, with the same Message-ID, by which most mail systems drop the second.
 * Rejects with `MailRefused`, or with anything else when another try may succeed.
 */
export interface Mailer {
  /** Such as `smtp.example.com` or `local page`, for logs. */
  readonly name: string;
  /** Mails that it may be given at once. */
  readonly atOnceMax: number;
  send(mail: Mail): Promise<void>;
  close(): void;
}
