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

export const accountRoles = ['buyer', 'organizer', 'box-office', 'support', 'admin'] as const;
export type AccountRole = (typeof accountRoles)[number];
/** Roles of the platform's own people, which no organizer gives. */
export const platformRoles = ['support', 'admin'] as const satisfies readonly AccountRole[];
export type PlatformRole = (typeof platformRoles)[number];
/** `role` absent: acts for the organizer in everything; `box-office`: sells over the counter. */
export type Membership = {
  readonly organizerId: string;
  readonly name: string;
  readonly role?: StaffRole;
};

/** What an organizer's staff may be. */
export const staffRoles = ['box-office'] as const;
export type StaffRole = (typeof staffRoles)[number];

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

/** Everybody buys; who sells has an organizer too, or a place at its box office. */
export const rolesOf = (organizers: readonly Membership[]): AccountRole[] => [
  'buyer',
  ...(organizers.some(({ role }) => role === undefined) ? ['organizer' as const] : []),
  ...(organizers.some(({ role }) => role === 'box-office') ? ['box-office' as const] : []),
];

/** The organizers that these memberships let act for, and those at whose box office they sell. */
export const scopesOf = (organizers: readonly Membership[]) => ({
  organizerIds: organizers.filter(({ role }) => role === undefined).map((m) => m.organizerId),
  boxOfficeIds: organizers.filter(({ role }) => role === 'box-office').map((m) => m.organizerId),
});

/** The account as a member of the organizer's staff; who acts for it in everything stays so. */
export function enrolled(account: Account, membership: Required<Membership>): Account {
  const { organizerId } = membership;
  if (account.organizers.some((m) => m.organizerId === organizerId)) return account;
  return withOrganizers(account, [...account.organizers, membership]);
}

/** The account without its place among the organizer's staff. */
export const dismissed = (account: Account, organizerId: string): Account =>
  withOrganizers(
    account,
    account.organizers.filter((m) => m.organizerId !== organizerId || m.role === undefined),
  );

/** Roles that organizers do not give (support, admin) stay. */
const withOrganizers = (account: Account, organizers: readonly Membership[]): Account => {
  const own = account.roles.filter((role) => role === 'support' || role === 'admin');
  return { ...account, organizers, roles: [...rolesOf(organizers), ...own] };
};

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
