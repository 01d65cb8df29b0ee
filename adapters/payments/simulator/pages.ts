import { answerChallenge, type Moment } from '#adapters/payments/simulator/intents.ts';
import type { Change, IntentDoc, SetupDoc } from '#adapters/payments/simulator/model.ts';
import { answerSetup } from '#adapters/payments/simulator/setups.ts';
import type { World } from '#adapters/payments/simulator/world.ts';
import { escapeHtml } from '#domain/html.ts';

const style = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center;
    background: light-dark(#f2f4f8, #14161b); }
  main { width: min(26rem, calc(100vw - 2rem)); box-sizing: border-box; padding: 2rem;
    border-radius: 1rem; background: light-dark(#fff, #1f232b);
    box-shadow: 0 .5rem 2rem rgb(0 0 0 / .12); }
  h1 { margin: 0 0 .25rem; font-size: 1.35rem; }
  .bank { color: light-dark(#5b6472, #a3adbd); font-size: .85rem; margin: 0 0 1.5rem; }
  dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; margin: 0 0 1.5rem; }
  dt { color: light-dark(#5b6472, #a3adbd); } dd { margin: 0; text-align: right; }
  dd { overflow-wrap: anywhere; }
  form { display: grid; gap: .75rem; }
  button { font: inherit; padding: .75rem; border-radius: .6rem; border: 1px solid transparent;
    cursor: pointer; }
  button:focus-visible { outline: 3px solid #7aa7ff; outline-offset: 2px; }
  .yes { background: #1a56db; color: #fff; font-weight: 600; }
  .no { background: transparent; color: light-dark(#b42318, #ff9b90); border-color: currentColor; }
  .note { font-size: .8rem; color: light-dark(#5b6472, #a3adbd); margin: 1.5rem 0 0; }
`;

const page = (title: string, main: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><style>${style}</style></head><body><main>${main}</main></body></html>`;

/** What a bank asks about: a payment, or the saving of a card. */
type Asked = IntentDoc | SetupDoc;

function amountOf(asked: Asked): string {
  if (asked.kind === 'setup_intent') return 'nothing now: the card is saved';
  const { body } = asked;
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: body.currency });
  const { maximumFractionDigits: digits = 2 } = format.resolvedOptions();
  return format.format(body.amount / 10 ** digits);
}

const challengePage = (intent: Asked): string =>
  page(
    '3-D Secure',
    `<h1>Approve this payment?</h1>
    <p class="bank">3-D Secure &middot; the simulated bank of card ${escapeHtml(intent.card ?? '')}</p>
    <dl><dt>Amount</dt><dd><strong>${escapeHtml(amountOf(intent))}</strong></dd>
    <dt>Merchant</dt><dd>Usher</dd>
    <dt>Payment</dt><dd><small>${escapeHtml(intent._id)}</small></dd></dl>
    <form method="post">
      <button class="yes" name="outcome" value="complete">Complete</button>
      <button class="no" name="outcome" value="fail">Fail</button>
    </form>
    <p class="note">A test page of the payment simulator. No money moves.</p>`,
  );

const overPage = (intent: Asked): string =>
  page(
    '3-D Secure',
    `<h1>Nothing to approve</h1>
    <p class="bank">This payment is ${escapeHtml(intent.body.status.replaceAll('_', ' '))}.</p>
    <p class="note">You can close this window.</p>`,
  );

export type PageAnswer = {
  readonly status: number;
  readonly type: 'text/html; charset=utf-8' | 'application/json';
  readonly body: string;
  readonly location?: string;
};

const html = (status: number, body: string): PageAnswer => ({
  status,
  type: 'text/html; charset=utf-8',
  body,
});

const find = (world: World, id: string): Promise<Asked | undefined> =>
  id.startsWith('seti_')
    ? world.store.find('setup_intent', id)
    : world.store.find('payment_intent', id);

async function challenged(world: World, id: string, secret: string | null) {
  const intent = await find(world, id);
  return intent !== undefined && intent.body.client_secret === secret ? intent : undefined;
}

/** `GET /_simulator/3ds/{intent}?client_secret=`: the bank's page with its two buttons. */
export async function showChallenge(
  world: World,
  id: string,
  secret: string | null,
): Promise<PageAnswer> {
  const intent = await challenged(world, id, secret);
  if (intent === undefined) return html(404, page('3-D Secure', '<h1>Unknown payment</h1>'));
  return html(
    200,
    intent.body.status === 'requires_action' ? challengePage(intent) : overPage(intent),
  );
}

/** Where the browser goes on, as Stripe spells it. */
function returnAddress(intent: Asked, passed: boolean): string | undefined {
  if (intent.returnUrl === undefined || !URL.canParse(intent.returnUrl)) return undefined;
  const url = new URL(intent.returnUrl);
  url.searchParams.set(intent.kind, intent._id);
  url.searchParams.set(`${intent.kind}_client_secret`, intent.body.client_secret ?? '');
  url.searchParams.set('redirect_status', passed ? 'succeeded' : 'failed');
  return url.href;
}

const answer = (asked: Asked, passed: boolean, at: Moment): Change =>
  asked.kind === 'setup_intent'
    ? answerSetup(asked, passed, at)
    : answerChallenge(asked, passed, at);

/**
 * The buyer's answer: `outcome=complete` or `outcome=fail`. A browser is sent back to the return
 * address; a program that accepts JSON gets `{status, returnUrl}`.
 */
export async function takeChallenge(
  world: World,
  order: {
    readonly id: string;
    readonly secret: string | null;
    readonly outcome: unknown;
    readonly json: boolean;
  },
): Promise<PageAnswer> {
  const { id, secret, outcome, json } = order;
  return world.inOrder(id, async () => {
    const intent = await challenged(world, id, secret);
    if (intent === undefined) return html(404, page('3-D Secure', '<h1>Unknown payment</h1>'));
    if (outcome !== 'complete' && outcome !== 'fail') {
      return html(400, page('3-D Secure', '<h1>Choose Complete or Fail</h1>'));
    }
    let after = intent;
    if (intent.body.status === 'requires_action') {
      const change = answer(intent, outcome === 'complete', world.moment());
      await world.commit(change, undefined, { id: null, idempotencyKey: null });
      after = (await find(world, id)) ?? intent;
    } else if (!json) {
      return html(200, overPage(intent));
    }
    const passed = after.body.status === 'requires_capture' || after.body.status === 'succeeded';
    const location = returnAddress(intent, passed);
    if (json) {
      const body = JSON.stringify({ status: after.body.status, returnUrl: location ?? null });
      return { status: 200, type: 'application/json', body };
    }
    if (location === undefined) return html(200, overPage(after));
    return { ...html(303, ''), location };
  });
}
