import type { ServiceSchema } from 'moleculer';
import type { Role } from '#config/config.ts';
import type { Runtime } from '#mixins/runtime.ts';
import { createAccountsService } from '#services/accounts.service.ts';
import { createApiService } from '#services/api.service.ts';
import { createAuditService } from '#services/audit.service.ts';
import { createAvailabilityService } from '#services/availability.service.ts';
import { createBookingsService } from '#services/bookings.service.ts';
import { createBoxOfficeService } from '#services/box-office.service.ts';
import { createBundlesService } from '#services/bundles.service.ts';
import { createCatalogueService } from '#services/catalogue.service.ts';
import { createChartsService } from '#services/charts.service.ts';
import { createInventoryService } from '#services/inventory.service.ts';
import { createMessagesService } from '#services/messages.service.ts';
import { createOpsService } from '#services/ops.service.ts';
import { createPaymentsService } from '#services/payments.service.ts';
import { createPromotionsService } from '#services/promotions.service.ts';
import { createReportsService } from '#services/reports.service.ts';
import { createReservationsService } from '#services/reservations.service.ts';
import { createSchedulerService } from '#services/scheduler.service.ts';
import { createSearchService } from '#services/search.service.ts';
import { createVenuesService } from '#services/venues.service.ts';

export type ServiceFactory = (runtime: Runtime) => ServiceSchema;

/** The services each role loads. */
const servicesByRole: Readonly<Record<Role, readonly ServiceFactory[]>> = {
  gateway: [
    createChartsService,
    createReservationsService,
    createAvailabilityService,
    createApiService,
  ],
  inventory: [createInventoryService],
  core: [
    createAccountsService,
    createVenuesService,
    createChartsService,
    createCatalogueService,
    createSearchService,
    createBookingsService,
    createBoxOfficeService,
    createBundlesService,
    createPaymentsService,
    createPromotionsService,
  ],
  worker: [createMessagesService, createAuditService, createReportsService, createSchedulerService],
};

/** On every node. */
const common: readonly ServiceFactory[] = [createOpsService];

/** What a process with these roles runs, each service once. */
export function servicesOf(roles: readonly Role[]): ServiceFactory[] {
  return [...new Set([...common, ...roles.flatMap((role) => servicesByRole[role])])];
}
