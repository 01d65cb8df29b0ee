import { z } from 'zod';
import { timestamp } from '#contracts/common.ts';
import { action } from '#contracts/contract.ts';
import { setupStatuses } from '#domain/payment.ts';

const savedMethodView = z.object({
  paymentMethodId: z.string().describe('For `payment.paymentMethodId` of a checkout'),
  brand: z.string().describe('visa, mastercard, …'),
  last4: z.string(),
  expMonth: z.int(),
  expYear: z.int(),
  createdAt: timestamp,
});

const path = '/v1/account/payment-methods';
const http = { access: 'user', tag: 'Account' } as const;

/** A buyer's own saved payment methods. The provider keeps them; we keep no number of a card. */
export const paymentMethodActions = {
  methods: action({
    summary: 'My saved payment methods, newest first',
    params: z.strictObject({}),
    result: z.object({ items: z.array(savedMethodView) }),
    errors: ['unauthenticated', 'payment-provider-unavailable', 'unavailable'],
    timeoutMs: 10_000,
    http: { ...http, method: 'GET', path, success: 200 },
  }),
  addMethod: action({
    summary: 'Begins to save a payment method; the bank may want to hear from the buyer',
    params: z.strictObject({
      token: z
        .string()
        .min(1)
        .max(255)
        .optional()
        .describe('Payment-method id; without it the browser gives the card with `clientSecret`'),
    }),
    result: z.object({
      setupId: z.string(),
      status: z.enum(setupStatuses).describe('`succeeded`: it is saved'),
      clientSecret: z.string().optional(),
      nextActionUrl: z.string().optional(),
      /** The bank refused. */
      declineCode: z.string().optional(),
      paymentMethodId: z.string().optional(),
    }),
    errors: [
      'unauthenticated',
      'idempotency-key-required',
      'idempotency-key-reused',
      'payment-method-invalid',
      'payment-provider-unavailable',
      'unavailable',
    ],
    timeoutMs: 10_000,
    http: { ...http, method: 'POST', path, success: 201, idempotency: 'required' },
  }),
  removeMethod: action({
    summary: 'Forgets one of my payment methods',
    params: z.strictObject({ paymentMethodId: z.string().min(1).max(255) }),
    result: z.object({ paymentMethodId: z.string() }),
    errors: ['unauthenticated', 'not-found', 'payment-provider-unavailable', 'unavailable'],
    timeoutMs: 10_000,
    http: { ...http, method: 'DELETE', path: `${path}/{paymentMethodId}`, success: 200 },
  }),
  browser: action({
    summary: "What a browser needs to talk to the payment provider's own script",
    params: z.strictObject({}),
    result: z.object({
      publishableKey: z.string().nullable().describe('null: no payment form can be shown'),
      apiBase: z.string().nullable().describe("Where the provider's stand-in is; null: itself"),
    }),
    errors: [],
    http: {
      method: 'GET',
      path: '/v1/payments/browser',
      success: 200,
      access: 'public',
      tag: 'Payments',
    },
  }),
};
