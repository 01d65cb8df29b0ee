import type { ServiceSchema } from 'moleculer';
import type { Role } from '#config/config.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createAvailabilityService } from '#services/availability.service.ts';
import { createOpsService } from '#services/ops.service.ts';
import { createReservationsService } from '#services/reservations.service.ts';

export type ServiceFactory = (runtime: Runtime) => ServiceSchema;

/** The services each role loads. */
const servicesByRole: Readonly<Record<Role, readonly ServiceFactory[]>> = {
  gateway: [createAvailabilityService, createReservationsService],
  inventory: [],
  core: [createAccountsService],
  worker: [],
};

/** On every node. */
const common: readonly ServiceFactory[] = [createOpsService];

/** What a process with these roles runs, each service once. */
export function servicesOf(roles: readonly Role[]): ServiceFactory[] {
  return [...new Set([...common, ...roles.flatMap((role) => servicesByRole[role])])];
}
