import type { Clock } from '#adapters/clock/port.ts';
import type { Ids } from '#adapters/ids/port.ts';
import type { Config } from '#config/config.ts';

/** What every service factory is given: `createXService(runtime): ServiceSchema`. */
export type Runtime = {
  readonly config: Config;
  readonly clock: Clock;
  readonly ids: Ids;
};
