/** Why a bank refuses. */
export type Decline = {
  readonly code: string;
  readonly declineCode?: string;
  readonly message: string;
};

/** What a test payment method does. Ids and numbers of Stripe's own where it has them. */
export type Card = {
  readonly brand: 'visa' | 'mastercard' | 'amex' | 'discover' | 'diners' | 'jcb' | 'unionpay';
  /** What a card form is given. */
  readonly number: string;
  readonly funding?: 'debit' | 'prepaid';
  /** Charging is declined. */
  readonly decline?: Decline;
  /** It can be saved all the same. */
  readonly savable?: boolean;
  /**
   * When the bank wants the buyer to be asked: at every payment, at every one with the buyer there
   * (`on-session`), or also without the buyer as long as it was not saved (`unless-saved`).
   */
  readonly challenge?: 'always' | 'on-session' | 'unless-saved';
  /** Confirming answers `processing`; it is authorised this much later. */
  readonly processingMs?: number;
  /** Capturing is declined. */
  readonly captureDeclined?: boolean;
  readonly refund?: 'pending' | 'fails';
  /** The buyer disputes the captured charge; an inquiry takes no money yet. */
  readonly dispute?: 'fraudulent' | 'product_not_received' | 'inquiry';
};

const visa = (number: string, more: Partial<Card> = {}): Card => ({
  brand: 'visa',
  number,
  ...more,
});
const mastercard = (number: string, more: Partial<Card> = {}): Card => ({
  brand: 'mastercard',
  number,
  ...more,
});

const because = (declineCode: string, message: string, code = 'card_declined') => ({
  decline: { code, declineCode, message },
});

const generic = because('generic_decline', 'Your card was declined.');
const noFunds = because('insufficient_funds', 'Your card has insufficient funds.');
const lost = because('lost_card', 'Your card was declined.');
const stolen = because('stolen_card', 'Your card was declined.');
const fraudulent = because('fraudulent', 'Your card was declined.');
const tooOften = because(
  'card_velocity_exceeded',
  'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
);
/** Stripe says no decline code where the error's own code says it all. */
const plain = (code: string, message: string) => ({ decline: { code, message } });
const expired = plain('expired_card', 'Your card has expired.');
const wrongCvc = plain('incorrect_cvc', "Your card's security code is incorrect.");
const processing = plain(
  'processing_error',
  'An error occurred while processing your card. Try again in a little bit.',
);
const wrongNumber = plain('incorrect_number', 'Your card number is incorrect.');

/**
 * The payment methods that the simulator knows. Those with `usher` in their name are its own:
 * Stripe has no test card for a slow authorisation or for a capture that is refused.
 */
const cards: Readonly<Record<string, Card>> = {
  pm_card_visa: visa('4242424242424242'),
  pm_card_visa_debit: visa('4000056655665556', { funding: 'debit' }),
  pm_card_mastercard: mastercard('5555555555554444'),
  pm_card_mastercard_debit: mastercard('5200828282828210', { funding: 'debit' }),
  pm_card_mastercard_prepaid: mastercard('5105105105105100', { funding: 'prepaid' }),
  pm_card_amex: { brand: 'amex', number: '378282246310005' },
  pm_card_discover: { brand: 'discover', number: '6011111111111117' },
  pm_card_diners: { brand: 'diners', number: '3056930009020004' },
  pm_card_jcb: { brand: 'jcb', number: '3566002020360505' },
  pm_card_unionpay: { brand: 'unionpay', number: '6200000000000005' },
  pm_card_gb: visa('4000008260000000'),
  pm_card_de: visa('4000002760000016'),
  pm_card_bypassPending: visa('4000000000000077'),
  pm_card_bypassPendingInternational: visa('4000003720000278'),

  pm_card_visa_chargeDeclined: visa('4000000000000002', generic),
  pm_card_chargeDeclined: visa('4000000000000002', generic),
  pm_card_visa_chargeDeclinedInsufficientFunds: visa('4000000000009995', noFunds),
  pm_card_chargeDeclinedInsufficientFunds: visa('4000000000009995', noFunds),
  pm_card_visa_chargeDeclinedLostCard: visa('4000000000009987', lost),
  pm_card_visa_chargeDeclinedStolenCard: visa('4000000000009979', stolen),
  pm_card_visa_chargeDeclinedVelocityLimitExceeded: visa('4000000000006975', tooOften),
  pm_card_chargeDeclinedFraudulent: visa('4100000000000019', fraudulent),
  pm_card_radarBlock: visa('4100000000000019', fraudulent),
  pm_card_chargeDeclinedExpiredCard: visa('4000000000000069', expired),
  pm_card_chargeDeclinedIncorrectCvc: visa('4000000000000127', wrongCvc),
  pm_card_chargeDeclinedProcessingError: visa('4000000000000119', processing),
  pm_card_chargeDeclinedIncorrectNumber: visa('4242424242424241', wrongNumber),
  pm_card_chargeCustomerFail: visa('4000000000000341', { ...generic, savable: true }),

  pm_card_threeDSecure2Required: visa('4000000000003220', { challenge: 'always' }),
  pm_card_threeDSecureRequired: visa('4000000000003063', { challenge: 'always' }),
  pm_card_threeDSecureOptional: visa('4000000000003055'),
  pm_card_threeDSecureRequiredChargeDeclined: visa('4000008400001629', {
    challenge: 'always',
    ...generic,
  }),
  pm_card_threeDSecureRequiredProcessingError: visa('4000008400001280', {
    challenge: 'always',
    ...processing,
  }),
  pm_card_authenticationRequired: visa('4000002760003184', { challenge: 'always' }),
  pm_card_authenticationRequiredOnSetup: visa('4000002500003155', { challenge: 'unless-saved' }),
  pm_card_authenticationRequiredSetupForOffSession: visa('4000003800000446', {
    challenge: 'on-session',
  }),
  pm_card_authenticationRequiredChargeDeclinedInsufficientFunds: visa('4000008260003178', {
    challenge: 'on-session',
    savable: true,
    ...noFunds,
  }),

  pm_card_createDispute: visa('4000000000000259', { dispute: 'fraudulent' }),
  pm_card_createDisputeProductNotReceived: visa('4000000000002685', {
    dispute: 'product_not_received',
  }),
  pm_card_createDisputeInquiry: visa('4000000000001976', { dispute: 'inquiry' }),
  pm_card_pendingRefund: visa('4000000000007726', { refund: 'pending' }),
  pm_card_refundFail: visa('4000000000005126', { refund: 'fails' }),

  pm_card_usher_processingDelay: visa('4000000000001111', { processingMs: 2_000 }),
  pm_card_usher_captureDeclined: visa('4000000000001129', { captureDeclined: true }),
};

export const cardOf = (alias: string | undefined): Card =>
  cards[alias ?? ''] ?? visa('4242424242424242');

const byNumber = new Map(
  Object.entries(cards)
    .reverse()
    .map(([alias, { number }]) => [number, alias]),
);

/** The test payment method that a card form's number stands for; undefined for another number. */
export const aliasOfNumber = (number: string): string | undefined =>
  byNumber.get(number.replaceAll(/[\s-]/g, ''));

/**
 * A test payment method makes one with an id of its own at each use, and the id tells which it was
 * made from: `pm_1`, two digits, the rest by chance.
 */
const aliases = Object.keys(cards);

export const methodIdOf = (alias: string, fresh: string): string =>
  fresh.replace('pm_', `pm_1${String(aliases.indexOf(alias)).padStart(2, '0')}`);

/** The test payment method behind an id; undefined for an unknown one. */
export function aliasOf(id: string): string | undefined {
  if (Object.hasOwn(cards, id)) return id;
  const made = /^pm_1(\d\d)/.exec(id);
  return made === null ? undefined : aliases[Number(made[1])];
}
