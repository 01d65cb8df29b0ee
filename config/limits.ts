import { brokenRelations, type Limits, limits } from '#domain/limits.ts';

/** The limits an operator may lower; the others are safety margins or parts of a contract. */
const lowerable = [
  'holdTtlMs',
  'holdExtendMs',
  'holdPinMs',
  'holdLifeMs',
  'ticketsPerBuyerAndEvent',
  'liveHoldsPerBuyerAndEvent',
  'mailboxCommandsMax',
  'mailboxBytesMax',
  'batchCommandsMax',
  'batchBytesMax',
  'snapshotEveryEntries',
  'passivateAfterIdleMs',
  'actorsPerNodeMax',
  'failoverMs',
  'drainMs',
  'startWaitMs',
  'stepRetryMs',
  'reconcileSafeAgeMs',
  'accessTokenTtlMs',
  'refreshTokenTtlMs',
] as const satisfies ReadonlyArray<keyof Limits>;

type Lowerable = (typeof lowerable)[number];

/**
 * The limits with those of `text` lowered: `holdTtlMs=120000,drainMs=5000`. Also answers every
 * problem as a sentence: unknown names, raised values, relations that no longer hold.
 */
export function parseLimits(text: string): { limits: Limits; problems: string[] } {
  const problems: string[] = [];
  const lowered: Partial<Record<Lowerable, number>> = {};
  for (const part of text.split(',').filter((item) => item.trim() !== '')) {
    const [name = '', value = ''] = part.split('=').map((side) => side.trim());
    if (!isLowerable(name)) problems.push(`names ${name}, which is no limit that can be lowered`);
    else if (!/^[1-9]\d*$/.test(value)) problems.push(`${name} must be a whole number above 0`);
    else if (Number(value) > limits[name]) {
      problems.push(`${name} may be lowered below ${limits[name]}, not raised to ${value}`);
    } else lowered[name] = Number(value);
  }
  const result = { ...limits, ...lowered };
  return { limits: result, problems: [...problems, ...brokenRelations(result)] };
}

const isLowerable = (name: string): name is Lowerable => lowerable.includes(name as Lowerable);
