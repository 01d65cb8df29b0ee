import type { Config } from '#config/config.ts';

/** A part of a cluster says in one line what it is. */
export const startLine = ({ roles, opsPort }: Config, mongodb: string): string =>
  `Usher runs as ${roles.join(', ')} on ${mongodb}; health on port ${opsPort}`;

/** What a single process uses and offers, for the person who started it. */
export function startTable(config: Config, mongodb: string, demo?: string): string {
  const { port, opsPort, publicUrl } = config;
  const rows: Array<readonly [string, string]> = [
    ['Database', mongodb],
    ['Messages', config.natsUrl === undefined ? 'none: a single process' : 'NATS'],
    ['Cache', ownUntilUsed('memory of the process', 'REDIS_URL', config.redisUrl)],
    [
      'Search',
      ownUntilUsed('index inside the process', 'ELASTICSEARCH_NODE', config.elasticsearchNode),
    ],
    ['Payments', paymentsOf(config)],
    ['Mail', config.smtpUrl === undefined ? standIn('sent-mail page', 'SMTP_URL') : 'SMTP'],
  ];
  rows.push(['API', `${publicUrl} (port ${port})`]);
  if (demo !== undefined) rows.push(['Demo', demo]);
  rows.push(['Operators', `http://localhost:${opsPort}/health/ready and /metrics`]);
  const lines = rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`);
  const next = `  Try next:  curl ${publicUrl}/v1/events    or open ${publicUrl}`;
  return ['', `Usher runs (node ${config.nodeId})`, '', ...lines, '', next, ''].join('\n');
}

const standIn = (what: string, setting: string): string => `${what} (stand-in; ${setting} not set)`;

/** What serves whether or not the setting is there: no part of this version uses that server. */
const ownUntilUsed = (what: string, setting: string, value: string | undefined): string =>
  value === undefined ? standIn(what, setting) : `${what} (${setting} is set, not used yet)`;

function paymentsOf({ stripe }: Config): string {
  if (stripe.simulator) return standIn(`simulator at ${stripe.apiBase}`, 'STRIPE_SECRET_KEY');
  return stripe.apiBase === undefined ? 'Stripe' : `Stripe's API at ${stripe.apiBase}`;
}
