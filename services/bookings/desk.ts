import type { Clock } from '#adapters/clock/port.ts';
import type { BookingStore } from '#adapters/store/bookings.port.ts';
import type { InventoryPort } from '#contracts/inventory.contract.ts';
import type { Booking } from '#domain/booking.ts';
import { UsherError } from '#domain/errors.ts';
import type { WithBookings } from '#mixins/booking-flow.mixin.ts';
import type { EventInfos } from '#services/bookings/event-info.ts';
import type { OffersPort } from '#services/bookings/offers.ts';
import type { ProviderWatch } from '#services/bookings/provider-watch.ts';

/** What the actions of the bookings service work with. */
export type Desk = WithBookings & {
  readonly inventory: InventoryPort;
  readonly events: EventInfos;
  readonly offers: OffersPort;
  readonly clock: Clock;
  readonly provider: ProviderWatch;
};

/** The caller's own booking; anybody else's is not there. */
export async function ownBooking(
  { store }: { readonly store: Pick<BookingStore, 'find'> },
  bookingId: string,
  userId: string,
): Promise<Booking> {
  const found = await store.find(bookingId);
  if (found?.buyerId !== userId) throw new UsherError('not-found');
  return found;
}
