/**
 * The error registry: every failure a caller can meet, by its stable code. `docs/errors.md`
 * explains each to a person and a test holds the two together. A code, once released, keeps its
 * meaning.
 *
 * Errors cross nodes as `code` + `data` (never as a class): test `hasCode(error, '…')`.
 */
type Entry = {
  /** HTTP status. */
  readonly status: number;
  readonly title: string;
  /** Whether the very same request may succeed later without the caller changing it. */
  readonly retryable: boolean;
};

const entry = (status: number, title: string, retryable = false): Entry => ({
  status,
  title,
  retryable,
});

export const errorRegistry = {
  // 400
  'malformed-request': entry(400, 'This is not a readable HTTP request'),
  'malformed-json': entry(400, 'The body is not valid JSON'),
  'idempotency-key-required': entry(400, 'This request needs an Idempotency-Key header'),
  'invalid-signature': entry(400, 'The webhook signature is missing or wrong'),
  // 401, 403
  unauthenticated: entry(401, 'A valid access token is required'),
  'invalid-credentials': entry(401, 'The e-mail address or the password is wrong'),
  forbidden: entry(403, 'Your role does not allow this'),
  'queue-pass-required': entry(403, 'A pass from the waiting room is required'),
  'presale-code-required': entry(403, 'A presale code is required on this channel'),
  // 404, 405
  'not-found': entry(404, 'There is nothing here under that name'),
  'method-not-allowed': entry(405, 'This address does not take that method'),
  // 408
  'request-timeout': entry(408, 'The request did not arrive in time', true),
  // 409
  'seats-unavailable': entry(409, 'Some of the seats are no longer available'),
  'sold-out': entry(409, 'There are not enough seats left'),
  'not-on-sale': entry(409, 'The event is not on sale'),
  'limit-exceeded': entry(409, 'That is more than one buyer may take'),
  'hold-not-extendable': entry(409, 'The reservation cannot be extended any further'),
  'promo-code-used-up': entry(409, 'This promo code cannot be used any more'),
  'promo-code-taken': entry(409, 'A promo code of this name exists'),
  'voucher-used-up': entry(409, 'Nothing is left on this gift voucher'),
  'reservation-sold': entry(409, 'The reservation has been sold'),
  'checkout-in-progress': entry(409, 'A checkout of this reservation is running', true),
  'already-booked': entry(409, 'This reservation is already booked'),
  'not-cancellable': entry(409, 'The booking cannot be cancelled as it stands'),
  'stale-version': entry(409, 'Somebody changed this in the meantime'),
  'version-gap': entry(409, 'An earlier change has not arrived yet', true),
  'request-in-progress': entry(409, 'The same request is still running', true),
  'email-taken': entry(409, 'An account with this e-mail address exists'),
  'state-forbids': entry(409, 'The state of things forbids this'),
  // 410
  'reservation-expired': entry(410, 'The reservation has expired'),
  'reservation-released': entry(410, 'The reservation has been released'),
  // 413, 415, 422
  'body-too-large': entry(413, 'The body is too large'),
  'unsupported-media-type': entry(415, 'The body must be application/json'),
  'invalid-request': entry(422, 'The request does not fit its contract'),
  'idempotency-key-reused': entry(422, 'This Idempotency-Key was used with another body'),
  'invalid-chart': entry(422, 'The chart has mistakes'),
  'promo-code-unknown': entry(422, 'There is no such promo code'),
  'promo-code-inactive': entry(422, 'This promo code is not valid at present'),
  'promo-code-not-applicable': entry(422, 'This promo code is not for this booking'),
  'voucher-unknown': entry(422, 'There is no such gift voucher'),
  'voucher-not-applicable': entry(422, 'This gift voucher cannot pay for this booking'),
  'payment-method-invalid': entry(422, 'The payment method cannot be used'),
  // 429, 431
  'headers-too-large': entry(431, 'The headers of the request are too large'),
  'rate-limited': entry(429, 'Too many requests', true),
  // 5xx
  internal: entry(500, 'Something went wrong on our side', true),
  overloaded: entry(503, 'The system is busy', true),
  moving: entry(503, 'The event is moving to another node', true),
  'outcome-unknown': entry(503, 'The outcome is not known yet', true),
  unavailable: entry(503, 'A part of the system cannot be reached', true),
  'payment-provider-unavailable': entry(503, 'The payment provider cannot be reached', true),
  'deadline-exceeded': entry(503, 'The request ran out of time', true),
  // Between nodes only; a caller outside never sees these
  moved: entry(503, 'Another node owns the event', true),
  'not-owner': entry(503, 'The node does not own the event', true),
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof errorRegistry;

/** Data that travels with an error; must survive JSON. */
export type ErrorData = Readonly<Record<string, unknown>>;

/** One mistake in a request: `path` is dotted (`best.quantity`), `message` says what to do. */
export type FieldError = { readonly path: string; readonly message: string };

/** The one error class. `detail` is a sentence for people; `data` is for programs. */
export class UsherError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorData;
  override readonly name = 'UsherError';

  constructor(code: ErrorCode, detail?: string, data: ErrorData = {}) {
    super(detail ?? errorRegistry[code].title);
    this.code = code;
    this.data = data;
  }

  get status(): number {
    return errorRegistry[this.code].status;
  }

  get retryable(): boolean {
    return errorRegistry[this.code].retryable;
  }
}

/** The registered code of whatever was thrown, here or on another node; undefined for others. */
export function codeOf(error: unknown): ErrorCode | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, type } = error as { code?: unknown; type?: unknown };
  for (const candidate of [code, type]) {
    if (typeof candidate === 'string' && Object.hasOwn(errorRegistry, candidate)) {
      return candidate as ErrorCode;
    }
  }
  return undefined;
}

export const hasCode = (error: unknown, code: ErrorCode): boolean => codeOf(error) === code;

/** The data of whatever was thrown, `{}` where there is none. */
export function dataOf(error: unknown): ErrorData {
  const data = (error as { data?: unknown } | null)?.data;
  return typeof data === 'object' && data !== null ? (data as ErrorData) : {};
}

/** Stops compilation where a union has a case that is not handled. */
export function assertNever(value: never): never {
  throw new Error(`unhandled case: ${JSON.stringify(value)}`);
}
