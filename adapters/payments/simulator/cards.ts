/** What a test payment method does. Ids of Stripe's own where it has one for the purpose. */
export type Card = {
  readonly brand: 'visa' | 'mastercard' | 'amex';
  readonly last4: string;
  /** Confirming is declined with these codes. */
  readonly decline?: {
    readonly code: string;
    readonly declineCode: string;
    readonly message: string;
  };
  /** The bank asks the buyer first. */
  readonly challenge?: boolean;
  /** Confirming answers `processing`; it is authorised this much later. */
  readonly processingMs?: number;
  /** Capturing is declined. */
  readonly captureDeclined?: boolean;
  readonly refund?: 'pending' | 'fails';
};

const visa = (last4: string): Card => ({ brand: 'visa', last4 });

const declined = (declineCode: string, message: string, code = 'card_declined') => ({
  decline: { code, declineCode, message },
});

const generic = declined('generic_decline', 'Your card was declined.');
const noFunds = declined('insufficient_funds', 'Your card has insufficient funds.');

/**
 * The payment methods that the simulator knows. Those with `usher` in their name are its own:
 * Stripe has no test card for a slow authorisation or for a capture that is refused.
 */
export const cards: Readonly<Record<string, Card>> = {
  pm_card_visa: visa('4242'),
  pm_card_visa_debit: visa('5556'),
  pm_card_mastercard: { brand: 'mastercard', last4: '4444' },
  pm_card_amex: { brand: 'amex', last4: '8431' },
  pm_card_visa_chargeDeclined: { ...visa('0002'), ...generic },
  pm_card_chargeDeclined: { ...visa('0002'), ...generic },
  pm_card_visa_chargeDeclinedInsufficientFunds: { ...visa('9995'), ...noFunds },
  pm_card_chargeDeclinedInsufficientFunds: { ...visa('9995'), ...noFunds },
  pm_card_visa_chargeDeclinedLostCard: {
    ...visa('9987'),
    ...declined('lost_card', 'Your card was declined.'),
  },
  pm_card_visa_chargeDeclinedStolenCard: {
    ...visa('9979'),
    ...declined('stolen_card', 'Your card was declined.'),
  },
  pm_card_chargeDeclinedExpiredCard: {
    ...visa('0069'),
    ...declined('expired_card', 'Your card has expired.', 'expired_card'),
  },
  pm_card_chargeDeclinedIncorrectCvc: {
    ...visa('0127'),
    ...declined('incorrect_cvc', "Your card's security code is incorrect.", 'incorrect_cvc'),
  },
  pm_card_chargeDeclinedProcessingError: {
    ...visa('0119'),
    ...declined(
      'processing_error',
      'An error occurred while processing your card. Try again in a little bit.',
      'processing_error',
    ),
  },
  pm_card_threeDSecure2Required: { ...visa('3220'), challenge: true },
  pm_card_threeDSecureRequired: { ...visa('3063'), challenge: true },
  pm_card_authenticationRequired: { ...visa('3184'), challenge: true },
  pm_card_threeDSecureRequiredChargeDeclined: { ...visa('1629'), challenge: true, ...generic },
  pm_card_pendingRefund: { ...visa('7726'), refund: 'pending' },
  pm_card_refundFail: { ...visa('5126'), refund: 'fails' },
  pm_card_usher_processingDelay: { ...visa('1111'), processingMs: 2_000 },
  pm_card_usher_captureDeclined: { ...visa('1129'), captureDeclined: true },
};
