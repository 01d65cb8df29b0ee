import { allRoles } from '#config/config.ts';
import type { Parsed } from '#config/schema.ts';

/** What the settings must be together, as sentences; answers the broken ones. */
export function brokenRules(parsed: Parsed): string[] {
  return [
    ...conflicts(parsed),
    ...(parsed.ROLE.length < allRoles.length ? splitRoleRules(parsed) : []),
    ...(parsed.NODE_ENV === 'production' ? refusedStandIns(parsed) : []),
  ];
}

function conflicts(parsed: Parsed): string[] {
  const rules: ReadonlyArray<readonly [boolean, string]> = [
    [
      parsed.PORT !== 0 && parsed.PORT === parsed.OPS_PORT,
      `PORT and OPS_PORT are both ${parsed.PORT}; they must differ`,
    ],
    [
      parsed.STRIPE_SECRET_KEY !== undefined && parsed.STRIPE_WEBHOOK_SECRET === undefined,
      'STRIPE_WEBHOOK_SECRET is needed beside STRIPE_SECRET_KEY',
    ],
    [
      parsed.STRIPE_API_BASE !== undefined && parsed.STRIPE_SECRET_KEY === undefined,
      'STRIPE_SECRET_KEY is needed beside STRIPE_API_BASE',
    ],
  ];
  return broken(rules);
}

/** Processes that share the work must share the servers. */
function splitRoleRules(parsed: Parsed): string[] {
  const roles = parsed.ROLE.join(',');
  return broken([
    [parsed.NATS_URL === undefined, `NATS_URL is needed: ROLE=${roles} is a part of a cluster`],
    [
      parsed.MONGODB_URI === undefined,
      `MONGODB_URI is needed: ROLE=${roles} is a part of a cluster`,
    ],
    [
      parsed.STRIPE_SECRET_KEY === undefined,
      `STRIPE_SECRET_KEY is needed: ROLE=${roles} is a part of a cluster`,
    ],
  ]);
}

function refusedStandIns(parsed: Parsed): string[] {
  const refusal = (name: string, standIn: string): string =>
    `${name} is needed: production does not use ${standIn}`;
  return broken([
    [parsed.MONGODB_URI === undefined, refusal('MONGODB_URI', 'the child mongod')],
    [parsed.REDIS_URL === undefined, refusal('REDIS_URL', 'the memory stand-in for Redis')],
    [
      parsed.ELASTICSEARCH_NODE === undefined,
      refusal('ELASTICSEARCH_NODE', 'the embedded search index'),
    ],
    [parsed.STRIPE_SECRET_KEY === undefined, refusal('STRIPE_SECRET_KEY', 'the Stripe simulator')],
    [
      parsed.STRIPE_API_BASE !== undefined,
      'STRIPE_API_BASE must not be set: production does not use a stand-in for Stripe',
    ],
    [parsed.SMTP_URL === undefined, refusal('SMTP_URL', 'the sent-mail page')],
    [parsed.DEMO === 'true', 'DEMO must not be true: production has no demo catalogue'],
  ]);
}

const broken = (rules: ReadonlyArray<readonly [boolean, string]>): string[] =>
  rules.filter(([isBroken]) => isBroken).map(([, sentence]) => sentence);
