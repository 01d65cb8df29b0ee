import { z } from 'zod';
import { id, moneySchema, paidId } from '#contracts/common.ts';
import { action, service } from '#contracts/contract.ts';
import { paymentMethodActions } from '#contracts/payment-methods.ts';
import { paymentSupportActions } from '#contracts/payment-support.ts';
import { intentStatuses } from '#domain/payment.ts';
import { backlogReasons } from '#domain/payment-backlog.ts';
import { type Problem, problems } from '#domain/reconciliation.ts';

/** A payment intent's status, in the provider's own words. */
export const intentStatus = z.enum(intentStatuses);

const intentView = z.object({
  intentId: z.string(),
  status: intentStatus,
  amount: moneySchema,
  /** For the buyer's browser while it has something to do. */
  clientSecret: z.string().optional(),
  nextActionUrl: z.string().optional(),
  /** What it was paid with; to be used again where it was saved or is one of the buyer's. */
  paymentMethod: z.string().optional(),
  /** Set when the last attempt was declined; `authentication_required`: only with the buyer. */
  declineCode: z.string().optional(),
  amountRefunded: z.int(),
});
export type IntentView = z.infer<typeof intentView>;

const amounts = z.array(moneySchema).describe('One for each currency');

const reconciliationFinding = z.object({
  intentId: z.string(),
  bookingId: z.string().nullable(),
  problem: z.enum(Object.keys(problems) as [Problem, ...Problem[]]),
  amount: moneySchema.describe('The money it is about'),
  createdAt: z.number().describe('Epoch ms'),
  since: z.number().describe('Since when it is known to be amiss, epoch ms'),
  outcome: z
    .enum(['settled', 'begun', 'would', 'young', 'failed', 'person'])
    .describe('`young`: left until it is older; `failed`: the next run tries again'),
  why: z.string().optional(),
});

const reconciliationReport = z.object({
  at: z.number().describe('Epoch ms, as all times here'),
  mode: z.enum(['window', 'deep']),
  dryRun: z.boolean(),
  from: z.number(),
  upTo: z.number().describe('Everything created before this has been looked at'),
  checked: z.int(),
  complete: z.boolean(),
  sums: z.array(
    z.object({
      problem: reconciliationFinding.shape.problem,
      remedy: z.enum(['cancel', 'refund', 'book', 'wake', 'person']),
      count: z.int(),
      amounts,
      oldestMs: z.number(),
      needsPerson: z.int(),
    }),
  ),
  needsPerson: z.int().describe('Findings that nothing settles by itself'),
  findings: z.array(reconciliationFinding),
});

/** Payments whose booking's flow has not ended. */
export const paymentBacklog = z.object({
  count: z.int(),
  oldestMs: z.number(),
  complete: z.boolean().describe('False: there are more than were counted'),
  sums: z.array(
    z.object({ reason: z.enum(backlogReasons), count: z.int(), amounts, oldestMs: z.number() }),
  ),
  items: z
    .array(
      z.object({
        bookingId: id('booking'),
        reason: z.enum(backlogReasons),
        tries: z.int(),
        amount: z.int(),
        currency: z.string(),
        since: z.number(),
      }),
    )
    .describe('The oldest 100'),
});

const attempt = {
  eventId: id('event'),
  bookingId: paidId,
  attempt: z.int().min(1),
  amount: moneySchema,
  buyerId: id('user'),
  save: z
    .boolean()
    .optional()
    .describe("The card is kept as the buyer's, to be charged later without the buyer too"),
  saved: z.boolean().optional().describe("One of the buyer's saved methods will pay"),
};

const intentOrder = z.object({
  ...attempt,
  byBrowser: z
    .boolean()
    .optional()
    .describe('Confirmed by the browser with `clientSecret`, not by `payments.confirm`'),
});
/** What `payments.create` makes an intent of. */
export type IntentOrder = z.infer<typeof intentOrder>;

const authorisation = z.object({
  ...attempt,
  token: z.string().describe('Payment-method id'),
  offSession: z
    .boolean()
    .optional()
    .describe('The buyer is not there: a saved method is charged without asking'),
});
/** What `payments.authorise` makes an intent of and confirms it with. */
export type Authorisation = z.infer<typeof authorisation>;

/**
 * Money at the provider. Every action may be repeated with the same params: it answers the state
 * the first one reached. `payment-provider-unavailable` means unknown: ask again, undo nothing.
 */
export const paymentsContract = service({
  name: 'payments',
  actions: {
    ...paymentMethodActions,
    ...paymentSupportActions,
    create: action({
      summary:
        'Creates the intent of one attempt, unconfirmed, capture manual; same params, same one',
      params: intentOrder,
      result: intentView,
      errors: ['payment-provider-unavailable', 'payment-method-invalid', 'state-forbids'],
      timeoutMs: 10_000,
    }),
    authorise: action({
      summary:
        'Creates the intent of one attempt and confirms it at once, capture manual; same params, same one',
      params: authorisation,
      result: intentView,
      errors: ['payment-provider-unavailable', 'payment-method-invalid', 'state-forbids'],
      timeoutMs: 10_000,
    }),
    withdraw: action({
      summary:
        'Answers what `authorise` of these params made; if nothing, sees to it that it makes nothing any more',
      params: authorisation,
      result: z.object({
        intent: intentView.optional().describe('Absent: `authorise` was refused, there is none'),
      }),
      errors: ['payment-provider-unavailable', 'payment-method-invalid', 'state-forbids'],
      timeoutMs: 10_000,
    }),
    confirm: action({
      summary: 'Confirms an intent with a payment method; authorises, does not capture',
      params: z.object({
        bookingId: paidId,
        attempt: z.int().min(1),
        intentId: z.string(),
        token: authorisation.shape.token,
        offSession: authorisation.shape.offSession,
      }),
      result: intentView,
      errors: ['payment-provider-unavailable', 'payment-method-invalid', 'state-forbids'],
      timeoutMs: 10_000,
    }),
    read: action({
      summary: 'The present state of an intent, asked of the provider',
      params: z.object({ intentId: z.string() }),
      result: intentView,
      errors: ['payment-provider-unavailable', 'not-found'],
      timeoutMs: 10_000,
    }),
    capture: action({
      summary: 'Captures an authorised intent; answers the state it is in afterwards',
      params: z.object({ intentId: z.string() }),
      result: intentView,
      errors: ['payment-provider-unavailable'],
      timeoutMs: 10_000,
    }),
    cancel: action({
      summary: 'Cancels an intent; a captured one answers `succeeded` and stays',
      params: z.object({ intentId: z.string() }),
      result: intentView,
      errors: ['payment-provider-unavailable'],
      timeoutMs: 10_000,
    }),
    refund: action({
      summary: 'Returns captured money; `refundKey` makes it happen once',
      params: z.object({
        bookingId: paidId,
        intentId: z.string(),
        amount: moneySchema,
        refundKey: z.string(),
      }),
      result: z.object({
        refundId: z.string(),
        status: z.enum(['pending', 'succeeded', 'failed', 'requires_action', 'canceled']),
        amount: moneySchema,
      }),
      errors: ['payment-provider-unavailable', 'state-forbids'],
      timeoutMs: 10_000,
    }),
    listByBooking: action({
      summary: 'Every intent the provider knows for a booking, by metadata',
      params: z.object({ bookingId: paidId }),
      result: z.object({ intents: z.array(intentView) }),
      errors: ['payment-provider-unavailable'],
      timeoutMs: 10_000,
    }),
    reconcile: action({
      summary: 'Compares the provider with the books and settles what is left over',
      params: z.object({
        mode: z.enum(['window', 'deep']).default('window'),
        /** Says what it would do. */
        dryRun: z.boolean().default(false),
        /** Younger intents are not looked at. */
        olderThanMs: z.int().min(0).default(60_000),
        /** Absent: `limits.reconcileSafeAgeMs`. */
        safeAgeMs: z.int().min(0).optional(),
        /** Epoch ms; absent: from where the last run ended. */
        from: z.number().optional(),
      }),
      result: reconciliationReport,
      errors: ['payment-provider-unavailable', 'unavailable'],
      timeoutMs: 60_000,
    }),
    reconciliation: action({
      summary: 'The last report of the reconciliation',
      params: z.strictObject({ mode: z.enum(['window', 'deep']).optional() }),
      result: reconciliationReport.omit({ findings: true }).extend({
        findings: z.array(reconciliationFinding).describe('The oldest 1 000'),
      }),
      errors: ['not-found', 'unavailable'],
      http: {
        method: 'GET',
        path: '/v1/support/reconciliation',
        query: ['mode'],
        success: 200,
        access: 'support',
        tag: 'Support',
      },
    }),
    backlog: action({
      summary: 'Every payment that is not final, by reason, with the oldest',
      params: z.strictObject({
        olderThanMs: z.coerce.number().int().min(0).default(0),
      }),
      result: paymentBacklog.extend({
        provider: z.enum(['answers', 'away']).describe('As the asked node sees it'),
      }),
      errors: ['unavailable'],
      http: {
        method: 'GET',
        path: '/v1/support/payments/backlog',
        query: ['olderThanMs'],
        success: 200,
        access: 'support',
        tag: 'Support',
      },
    }),
    returned: action({
      summary: "Where the buyer's bank sends the browser back to after 3-D Secure",
      // The provider adds parameters of its own; nothing is believed of what they say.
      params: z.looseObject({
        payment_intent: z.string().optional(),
        payment_intent_client_secret: z.string().optional(),
        redirect_status: z.string().optional(),
      }),
      result: z.string(),
      errors: [],
      http: {
        method: 'GET',
        path: '/v1/payments/return',
        query: ['payment_intent', 'payment_intent_client_secret', 'redirect_status'],
        success: 200,
        access: 'public',
        tag: 'Payments',
        mediaType: 'text/html; charset=utf-8',
      },
    }),
    webhook: action({
      summary: "Takes the provider's signed webhook, stores it, answers at once",
      params: z.object({ body: z.string(), headers: z.record(z.string(), z.string()) }),
      result: z.object({ received: z.literal(true) }),
      errors: ['invalid-signature', 'unavailable', 'overloaded'],
      http: {
        method: 'POST',
        path: '/v1/payments/stripe/webhook',
        success: 200,
        access: 'public',
        tag: 'Payments',
        rawBody: { headers: ['stripe-signature'] },
        bodyBytesMax: 1_000_000,
      },
    }),
  },
  events: {
    /** To every core node: whether the provider answers this node of the service. */
    'payments.provider': z.object({ nodeId: z.string(), answers: z.boolean() }),
  },
});
