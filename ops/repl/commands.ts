import type { ServiceBroker } from 'moleculer';
import { acquireMongo, releaseMongo } from '#adapters/store/mongo.ts';
import { call, type ResultOf } from '#broker/call.ts';
import { codeOf } from '#domain/errors.ts';
import { idPatterns } from '#domain/ids.ts';
import { moneyCommands } from '#ops/repl/money-commands.ts';
import { reportLines } from '#ops/verify/report.ts';
import { verifyEvent } from '#ops/verify/verify-event.ts';

/** What a command works with. `mongodbUri` is needed by `verify` only. */
export type Tools = { readonly broker: ServiceBroker; readonly mongodbUri: string | undefined };

/** A command of an operator: takes at most one word, answers lines. Throws a sentence. */
export type OperatorCommand = {
  readonly name: string;
  /** Name of the word it takes. */
  readonly takes?: string;
  readonly description: string;
  run(tools: Tools, word: string): Promise<readonly string[]>;
};

export const operatorCommands: readonly OperatorCommand[] = [
  {
    name: 'event',
    takes: 'eventId',
    description: 'Owner, epoch, seq, counts and mailbox of an event',
    run: showEvent,
  },
  { name: 'events', description: 'The events every inventory node holds', run: showEvents },
  {
    name: 'drain',
    takes: 'node',
    description: 'Hands over every event of a node; it offers inventory no more',
    run: drainNode,
  },
  ...moneyCommands,
  {
    name: 'verify',
    takes: 'eventId',
    description: 'Compares journal, bookings, tickets, ledger and payments of an event',
    run: verify,
  },
];

/** Runs one line such as `event evt_…`. Throws a sentence for a line that is no command. */
export async function runLine(tools: Tools, line: string): Promise<readonly string[]> {
  const [name = '', word = '', ...rest] = line.trim().split(/\s+/);
  const command = operatorCommands.find((candidate) => candidate.name === name);
  if (command === undefined || rest.length > 0 || (word !== '') !== (command.takes !== undefined)) {
    throw new Error(`not a command: ${line.trim()}\n${usageLines().join('\n')}`);
  }
  return command.run(tools, word);
}

export const usageLines = (): string[] =>
  operatorCommands.map(({ name, takes, description }) => {
    const form = takes === undefined ? name : `${name} <${takes}>`;
    return `  ${form.padEnd(18)} ${description}`;
  });

/** Nodes that offer inventory now. */
function inventoryNodes(broker: ServiceBroker): string[] {
  const services = broker.registry.getServiceList({ onlyAvailable: true }) as ReadonlyArray<{
    name: string;
    nodeID: string;
  }>;
  return services
    .filter(({ name }) => name === 'inventory')
    .map(({ nodeID }) => nodeID)
    .sort();
}

async function showEvent({ broker }: Tools, eventId: string): Promise<string[]> {
  checkEventId(eventId);
  const first = await call(broker, 'inventory.inspect', { eventId });
  const found = await asked(broker, eventId, first);
  const { counts } = found;
  const capacity = counts.available + counts.reserved + counts.sold + counts.blocked;
  return pairs({
    event: found.eventId,
    owner: found.owner ?? 'nobody',
    epoch: found.epoch,
    seq: found.seq,
    'snapshot seq': found.snapshotSeq,
    ...counts,
    capacity,
    holds: found.holds,
    mailbox: found.mailbox,
  });
}

/** What the owner itself says: another node knows only the directory, which lags a second. */
async function asked(
  broker: ServiceBroker,
  eventId: string,
  found: ResultOf<'inventory.inspect'>,
): Promise<ResultOf<'inventory.inspect'>> {
  const { owner } = found;
  if (owner === null || !inventoryNodes(broker).includes(owner)) return found;
  try {
    return await call(broker, 'inventory.inspect', { eventId }, { nodeID: owner });
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return found;
  }
}

async function showEvents({ broker }: Tools): Promise<string[]> {
  const nodes = inventoryNodes(broker);
  const lists = await Promise.all(
    nodes.map((nodeID) => call(broker, 'inventory.list', {}, { nodeID })),
  );
  const rows = lists.flatMap(({ nodeId, events }) =>
    events.map(({ eventId, epoch, seq, mailbox }) => [eventId, nodeId, epoch, seq, mailbox]),
  );
  const held = lists.map(({ nodeId, events }) => `${nodeId}: ${events.length}`);
  return [...columns([['event', 'node', 'epoch', 'seq', 'mailbox'], ...rows]), '', ...held];
}

async function drainNode({ broker }: Tools, node: string): Promise<string[]> {
  const nodes = inventoryNodes(broker);
  if (!nodes.includes(node)) {
    throw new Error(`${node} offers no inventory; these do: ${nodes.join(', ') || 'none'}`);
  }
  const { handedOver } = await call(broker, 'inventory.drain', {}, { nodeID: node });
  return [`${node} has handed over ${handedOver} events`];
}

async function verify({ mongodbUri }: Tools, eventId: string): Promise<readonly string[]> {
  checkEventId(eventId);
  if (mongodbUri === undefined) throw new Error('no database: set MONGODB_URI');
  const db = await acquireMongo(mongodbUri);
  try {
    return reportLines(await verifyEvent(db, eventId));
  } finally {
    await releaseMongo(mongodbUri);
  }
}

function checkEventId(eventId: string): void {
  if (!idPatterns.event.test(eventId)) throw new Error(`${eventId} is not an event id (evt_…)`);
}

function pairs(values: Readonly<Record<string, string | number>>): string[] {
  return columns(Object.entries(values));
}

/** Rows with their columns below one another. */
function columns(rows: ReadonlyArray<ReadonlyArray<string | number>>): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, String(cell).length);
    });
  }
  return rows.map((row) =>
    row
      .map((cell, i) => String(cell).padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
