import type { Availability } from '#domain/availability.ts';

type Shown = { readonly result: ReturnType<typeof availabilityOf>; readonly json: Buffer };

const shown = new WeakMap<Availability, Shown>();

/** The answer of `GET …/availability` and its JSON text, made once for each version of a view. */
export function shownAvailability(view: Availability): Shown {
  let made = shown.get(view);
  if (made === undefined) {
    const result = availabilityOf(view);
    made = { result, json: Buffer.from(JSON.stringify(result)) };
    shown.set(view, made);
  }
  return made;
}

function availabilityOf({ version, chartVersion, sale, counts, seats }: Availability) {
  const { buffer, byteOffset, byteLength } = seats;
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  return { version, chartVersion, sale, counts, seats: text };
}
