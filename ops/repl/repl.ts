import type { REPLServer } from 'node:repl';
import { parseArgs } from 'node:util';
import { operatorCommands, runLine, type Tools, usageLines } from '#ops/repl/commands.ts';
import { joinAsOperator, runningCluster } from '#ops/repl/operator.ts';
import { runningDatabase } from '#ops/running-database.ts';

const usage = `npm run repl [-- --command "<command>"] [--nats <url>] [--uri <mongodb uri>]
Joins a cluster as an operator: the one that runs from DATA_DIR, or that of NATS_URL.
${usageLines().join('\n')}`;

/** Prints what a command answers; false when it failed. */
async function perform(tools: Tools, line: string): Promise<boolean> {
  try {
    for (const answer of await runLine(tools, line)) console.log(answer);
    return true;
  } catch (error) {
    console.error((error as Error).message);
    return false;
  }
}

/**
 * The interactive form: Moleculer's own commands (`nodes`, `services`, `call`, …) and ours. Ours are
 * looked for first, because Moleculer has an `events` of its own.
 */
function converse(tools: Tools): void {
  const server = tools.broker.repl() as unknown as REPLServer;
  const builtIn = server.eval;
  const ours = new Set(operatorCommands.map(({ name }) => name));
  const evaluate: typeof builtIn = function (this: REPLServer, line, context, file, done) {
    const [name = ''] = line.trim().split(/\s+/);
    if (!ours.has(name)) return builtIn.call(this, line, context, file, done);
    void perform(tools, line).then(() => done(null, undefined));
  };
  Object.assign(server, { eval: evaluate, ignoreUndefined: true });
}

async function run(): Promise<number | undefined> {
  const { values } = parseArgs({
    options: {
      command: { type: 'string' },
      nats: { type: 'string' },
      uri: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const cluster = runningCluster();
  const natsUrl = values.nats ?? process.env.NATS_URL ?? cluster?.natsUrl;
  if (natsUrl === undefined) throw new Error(`no cluster: start one, or set NATS_URL\n${usage}`);
  const broker = await joinAsOperator({
    natsUrl,
    namespace: process.env.NAMESPACE ?? 'usher',
    broker: { replOptions: { delimiter: 'usher $', customCommands: customCommands() } },
  });
  const given = values.uri ?? process.env.MONGODB_URI ?? cluster?.mongodbUri;
  const mongodbUri = runningDatabase(given);
  const tools: Tools = { broker, mongodbUri };
  if (values.command === undefined) {
    console.log(usageLines().join('\n'));
    converse(tools);
    return undefined;
  }
  const done = await perform(tools, values.command);
  await broker.stop();
  return done ? 0 : 1;
}

/** For Moleculer's help and completion; `converse` runs them. */
const customCommands = () =>
  operatorCommands
    .filter(({ name }) => name !== 'events')
    .map(({ name, takes, description }) => ({
      command: takes === undefined ? name : `${name} <${takes}>`,
      description,
      action: async () => undefined,
    }));

try {
  const code = await run();
  if (code !== undefined) process.exit(code);
} catch (error) {
  console.error((error as Error).message);
  process.exit(2);
}
