import type { Context, Middleware, ServiceBroker } from 'moleculer';
import type { Clock } from '#adapters/clock/port.ts';
import { type ContractTable, contractTable } from '#broker/contract-table.ts';
import { parseParams } from '#broker/params.ts';
import type { CallMeta } from '#contracts/common.ts';
import type { ActionContract, ServiceContract } from '#contracts/contract.ts';
import { contracts } from '#contracts/index.ts';
import { UsherError } from '#domain/errors.ts';
import { limits } from '#domain/limits.ts';

export type ContractOptions = {
  readonly clock: Clock;
  /** Default: every contract of the system. */
  readonly services?: readonly ServiceContract[];
  /** Default wait for an action whose contract names none. */
  readonly callTimeoutMs?: number;
  /** Also hold what handlers answer to the contract; a breach is `internal`. Off by default. */
  readonly checkResults?: boolean;
};

type Handler = (ctx: Context) => unknown;

/**
 * Holds every action to its contract, found by the action's name (`payments.create`); actions
 * without one (`$node.*`, `api.*`) pass untouched. Before a handler runs here
 *  - a call whose `meta.deadlineAt` has passed is refused with `deadline-exceeded`;
 *  - `ctx.params` becomes the parsed value, or the call is refused with `invalid-request`.
 * The contract's time-out is the caller's wait; meta, and the deadline in it, travel on with every
 * nested call. An action placed `local` goes to another node only when the caller names the node.
 */
export function createContractMiddleware(options: ContractOptions): Middleware {
  const table: ContractTable = contractTable(options.services ?? contracts);
  const timeoutOf = (contract: ActionContract): number =>
    contract.timeoutMs ?? options.callTimeoutMs ?? limits.callTimeoutMs;

  return {
    name: 'Contract',
    localAction(next: Handler, action) {
      const contract = table.get(action.name ?? '');
      if (contract === undefined) return next;
      Object.assign(action, { timeout: timeoutOf(contract) });
      const checked = options.checkResults === true ? resultChecked(next, contract) : next;
      return (ctx) => {
        const refusal = prepare(ctx, contract, options.clock);
        return refusal === undefined ? checked(ctx) : Promise.reject(refusal);
      };
    },
    remoteAction(next: Handler, action) {
      const contract = table.get(action.name ?? '');
      if (contract === undefined) return next;
      Object.assign(action, { timeout: timeoutOf(contract) });
      return (ctx) => {
        const refusal = late(ctx, options.clock) ?? misplaced(ctx, contract);
        return refusal === undefined ? next(ctx) : Promise.reject(refusal);
      };
    },
  } satisfies Middleware & ThisType<ServiceBroker>;
}

/** Puts the parsed params in place; answers why the call is refused, if it is. */
function prepare(ctx: Context, contract: ActionContract, clock: Clock): UsherError | undefined {
  const refusal = late(ctx, clock);
  if (refusal !== undefined) return refusal;
  try {
    ctx.params = parseParams(contract, ctx.params);
    return undefined;
  } catch (error) {
    if (error instanceof UsherError) return error;
    throw error;
  }
}

function late(ctx: Context, clock: Clock): UsherError | undefined {
  const { deadlineAt } = ctx.meta as CallMeta;
  if (deadlineAt === undefined || clock.now() < deadlineAt) return undefined;
  return new UsherError('deadline-exceeded', 'the deadline had passed before this was begun');
}

function misplaced(ctx: Context, contract: ActionContract): UsherError | undefined {
  if (contract.placement !== 'local' || ctx.options.nodeID !== undefined) return undefined;
  return new UsherError('unavailable', `${ctx.action?.name} is not offered by this node`);
}

const resultChecked =
  (next: Handler, contract: ActionContract): Handler =>
  async (ctx) => {
    const result = await next(ctx);
    const checked = contract.result.safeParse(result);
    if (checked.success) return result;
    throw new Error(`${ctx.action?.name} answered against its contract: ${checked.error.message}`);
  };
