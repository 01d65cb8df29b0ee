import type { Config } from '#config/config.ts';

/** What a running process uses and offers, for the operator who started it. */
export function startTable(config: Config, mongodb: string, demo?: string): string {
  const { port, opsPort, publicUrl } = config;
  const rows: Array<readonly [string, string]> = [
    ['Database', mongodb],
    ['Messages', config.natsUrl === undefined ? 'none: a single process' : 'NATS'],
    ['Cache', config.redisUrl === undefined ? standIn('memory', 'REDIS_URL') : 'Redis'],
    ['Search', searchOf(config)],
    ['Payments', paymentsOf(config)],
    ['Mail', config.smtpUrl === undefined ? standIn('sent-mail page', 'SMTP_URL') : 'SMTP'],
  ];
  if (config.roles.includes('gateway')) rows.push(['API', `${publicUrl} (port ${port})`]);
  if (demo !== undefined) rows.push(['Demo', demo]);
  rows.push(['Operators', `http://localhost:${opsPort}/health/ready and /metrics`]);
  const lines = rows.map(([name, value]) => `  ${name.padEnd(10)} ${value}`);
  const next = config.roles.includes('gateway')
    ? ['', `  Try next:  curl ${publicUrl}/v1/events    or open ${publicUrl}/docs`]
    : [];
  const title = `Usher runs as ${config.roles.join(', ')} (node ${config.nodeId})`;
  return ['', title, '', ...lines, ...next, ''].join('\n');
}

const standIn = (what: string, setting: string): string => `${what} (stand-in; ${setting} not set)`;

const searchOf = (config: Config): string =>
  config.elasticsearchNode === undefined
    ? standIn('index inside the process', 'ELASTICSEARCH_NODE')
    : `Elasticsearch at ${new URL(config.elasticsearchNode).host}`;

function paymentsOf({ stripe }: Config): string {
  if (stripe.simulator) return standIn(`simulator at ${stripe.apiBase}`, 'STRIPE_SECRET_KEY');
  return stripe.apiBase === undefined ? 'Stripe' : `Stripe's API at ${stripe.apiBase}`;
}
