export type ErrorType = 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';

export type ErrorBody = {
  readonly type: ErrorType;
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly [field: string]: unknown;
};

/**
 * An answer other than 2xx. `saved`: an answer under an idempotency key, kept for replays. Stripe
 * keeps what an endpoint answered once its execution began, so not a refusal of the parameters.
 */
export class ApiError extends Error {
  readonly status: number;
  readonly error: ErrorBody;
  readonly saved: boolean;

  constructor(status: number, error: ErrorBody, saved: boolean) {
    super(error.message);
    this.status = status;
    this.error = error;
    this.saved = saved;
  }
}

const docUrl = (code: string): string =>
  `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;

/** The parameters are wrong: nothing was begun. */
export const invalidParam = (message: string, param: string, code?: string): ApiError =>
  new ApiError(
    400,
    {
      type: 'invalid_request_error',
      message,
      param,
      ...(code !== undefined && { code, doc_url: docUrl(code) }),
    },
    false,
  );

export const missing = (what: string, id: string, param: string, status = 404): ApiError =>
  new ApiError(
    status,
    {
      type: 'invalid_request_error',
      code: 'resource_missing',
      doc_url: docUrl('resource_missing'),
      message: `No such ${what}: '${id}'`,
      param,
    },
    true,
  );

/** The state of the object forbids it. */
export const refused = (message: string, code?: string, more: object = {}): ApiError =>
  new ApiError(
    400,
    {
      type: 'invalid_request_error',
      message,
      ...(code !== undefined && { code, doc_url: docUrl(code) }),
      ...more,
    },
    true,
  );
