import { accountsContract } from '#contracts/accounts.contract.ts';
import { auditContract } from '#contracts/audit.contract.ts';
import { availabilityContract } from '#contracts/availability.contract.ts';
import { bookingsContract } from '#contracts/bookings.contract.ts';
import { boxOfficeContract } from '#contracts/box-office.contract.ts';
import { bundlesContract } from '#contracts/bundles.contract.ts';
import { catalogueContract } from '#contracts/catalogue.contract.ts';
import { chartsContract } from '#contracts/charts.contract.ts';
import type { ActionMap } from '#contracts/contract.ts';
import { inventoryContract } from '#contracts/inventory.contract.ts';
import { messagesContract } from '#contracts/messages.contract.ts';
import { paymentsContract } from '#contracts/payments.contract.ts';
import { promotionsContract } from '#contracts/promotions.contract.ts';
import { reportsContract } from '#contracts/reports.contract.ts';
import { reservationsContract } from '#contracts/reservations.contract.ts';
import { schedulerContract } from '#contracts/scheduler.contract.ts';
import { searchContract } from '#contracts/search.contract.ts';
import { venuesContract } from '#contracts/venues.contract.ts';

/** Every service contract. One line a service; the rest of the system derives from this list. */
export const contracts = [
  accountsContract,
  auditContract,
  availabilityContract,
  bookingsContract,
  boxOfficeContract,
  bundlesContract,
  catalogueContract,
  chartsContract,
  inventoryContract,
  messagesContract,
  paymentsContract,
  promotionsContract,
  reportsContract,
  reservationsContract,
  searchContract,
  venuesContract,
  schedulerContract,
] as const;

/** `'inventory.execute'` → its contract. */
export type Actions = ActionMap<(typeof contracts)[number]>;
