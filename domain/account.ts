/** A person (or the person behind an organizer) who may log in. */
export type Account = {
  readonly userId: string;
  /** Normalised; one account each. */
  readonly email: string;
  readonly name: string;
  /** PHC string of argon2id. */
  readonly passwordHash: string;
  readonly roles: readonly AccountRole[];
  /** Organizers the account acts for. */
  readonly organizers: readonly Membership[];
  /** Epoch ms. */
  readonly createdAt: number;
};

export const accountRoles = ['buyer', 'organizer', 'support', 'admin'] as const;
export type AccountRole = (typeof accountRoles)[number];
export type Membership = { readonly organizerId: string; readonly name: string };

/**
 * One login on one device, kept alive by refresh tokens of which each is good once. All tokens of
 * a session are one family: it ends with the first one that is shown twice.
 */
export type Session = {
  readonly sessionId: string;
  readonly userId: string;
  /** SHA-256 of the one token that is good now. */
  readonly tokenHash: string;
  /** Those of used tokens, newest last, bounded. */
  readonly usedHashes: readonly string[];
  /** Epoch ms; moves with every refresh. */
  readonly expiresAt: number;
  readonly revoked: boolean;
};

/** Two spellings of one address are one account: case, surrounding blanks, Unicode form. */
export const normalizeEmail = (email: string): string =>
  email.trim().normalize('NFKC').toLowerCase();

/** Everybody buys; who sells has an organizer too. */
export const rolesOf = (organizers: readonly Membership[]): AccountRole[] =>
  organizers.length === 0 ? ['buyer'] : ['buyer', 'organizer'];

/**
 * What a shown refresh token means: `rotate` it; `reuse` (the token was used before, so two hold
 * it, one of them a thief: the session must end); `refuse` (unknown, expired, ended).
 */
export function judgeRefresh(
  session: Session | undefined,
  tokenHash: string,
  now: number,
): 'rotate' | 'reuse' | 'refuse' {
  if (session === undefined || session.revoked || session.expiresAt <= now) return 'refuse';
  if (session.tokenHash === tokenHash) return 'rotate';
  return session.usedHashes.includes(tokenHash) ? 'reuse' : 'refuse';
}

/** A refresh token is `<session id>.<secret>`. */
export const makeRefreshToken = (sessionId: string, secret: string): string =>
  `${sessionId}.${secret}`;

/** The session a refresh token belongs to; undefined when it cannot be one. */
export function sessionIdOf(refreshToken: string): string | undefined {
  return /^([0-7][0-9A-HJKMNP-TV-Z]{25})\.[\w-]{43}$/.exec(refreshToken)?.[1];
}
