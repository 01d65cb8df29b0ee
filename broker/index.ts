import type { BrokerOptions } from 'moleculer';
import { type ContractOptions, createContractMiddleware } from '#broker/contract-middleware.ts';
import { ErrorRegenerator, errorHandler } from '#broker/errors.ts';
import { createPlacementStrategy } from '#broker/placement-strategy.ts';

/**
 * The broker options that make a Moleculer node an Usher node: contracts, errors, placement. The
 * rest (transporter, logger, metrics) is added by `moleculer.config.ts` and the tests.
 */
export function brokerOptions(options: ContractOptions) {
  return {
    middlewares: [createContractMiddleware(options)],
    errorHandler,
    errorRegenerator: new ErrorRegenerator(),
    // Commands of an event must reach its owner, so the local node is preferred by the strategy
    // and only where the contract allows it.
    registry: { strategy: createPlacementStrategy(options.services), preferLocal: false },
    // Every action's own limit comes from its contract; this one is for the others.
    requestTimeout: options.callTimeoutMs ?? 2_500,
    // It counts per node, not per event: one slow event must not close a whole node.
    circuitBreaker: { enabled: false },
  } satisfies BrokerOptions;
}
