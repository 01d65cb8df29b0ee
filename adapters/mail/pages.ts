import type { SentMail } from '#adapters/mail/local.ts';
import { escapeHtml } from '#domain/html.ts';

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; }
  h1 { font-size: 1.4rem; margin: 0 0 .25rem; }
  .note { color: light-dark(#5b6472, #a3adbd); margin: 0 0 1.5rem; }
  form { display: flex; gap: .5rem; margin: 0 0 1rem; }
  input, button { font: inherit; padding: .4rem .7rem; border-radius: .5rem;
    border: 1px solid light-dark(#c6ccd6, #4a5261); }
  input { flex: 1; min-width: 0; }
  table { width: 100%; border-collapse: collapse; }
  th { text-align: left; font-weight: 600; }
  th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid light-dark(#e3e7ee, #333a46);
    vertical-align: top; overflow-wrap: anywhere; }
  td.time { white-space: nowrap; color: light-dark(#5b6472, #a3adbd); }
  dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 0 0 1rem; }
  dt { color: light-dark(#5b6472, #a3adbd); } dd { margin: 0; overflow-wrap: anywhere; }
  iframe { width: 100%; height: 32rem; border: 1px solid light-dark(#e3e7ee, #333a46);
    border-radius: .75rem; background: #fff; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border-radius: .75rem;
    background: light-dark(#f2f4f8, #1f232b); }
  a { color: light-dark(#1a56db, #8ab0ff); }
`;

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escapeHtml(title)}</title><style>${style}</style></head><body>${body}</body></html>`;

const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

const row = ({ messageId, sentAt, to, subject }: SentMail): string =>
  `<tr><td class="time">${stamp(sentAt)}</td><td>${escapeHtml(to)}</td><td><a href="/dev/mail/${encodeURIComponent(messageId)}">${escapeHtml(subject)}</a></td></tr>`;

/** The list of what the local stand-in has sent. */
export function listPage(
  mails: readonly SentMail[],
  { total, to }: { readonly total: number; readonly to: string | undefined },
): string {
  const table =
    mails.length === 0
      ? '<p>Nothing was sent yet.</p>'
      : `<table><thead><tr><th>Sent</th><th>To</th><th>Subject</th></tr></thead><tbody>${mails.map(row).join('')}</tbody></table>`;
  const filter = `<form><input type="search" name="to" placeholder="Address" aria-label="Address" value="${escapeHtml(to ?? '')}"><button>Show</button></form>`;
  return page(
    'Sent mail',
    `<h1>Sent mail</h1><p class="note">No mail server is configured: these mails were kept here and reached nobody. ${mails.length} of ${total} shown.</p>${filter}${table}`,
  );
}

/** One mail: headers, HTML in a sandbox, plain text. */
export function mailPage(mail: SentMail): string {
  const rows = [
    ['From', mail.from],
    ['To', mail.to],
    ['Subject', mail.subject],
    ['Sent', stamp(mail.sentAt)],
    ['Message-ID', mail.messageId],
  ] as const;
  const headers = rows.map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`);
  return page(
    mail.subject,
    `<p><a href="/dev/mail">All sent mail</a></p><h1>${escapeHtml(mail.subject)}</h1><dl>${headers.join('')}</dl><iframe sandbox title="HTML" srcdoc="${escapeHtml(mail.html)}"></iframe><h2>Plain text</h2><pre>${escapeHtml(mail.text)}</pre>`,
  );
}
