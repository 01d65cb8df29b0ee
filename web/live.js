import { api } from './api.js';

const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/**
 * The live availability of an event: a snapshot, then deltas. `onChange({bits, counts, sale})`.
 * Answers a function that ends it.
 */
export function follow(eventId, onChange) {
  let version = -1;
  let bits = new Uint8Array();
  let counts;
  let sale;
  const take = (view) => {
    if (view.version < version) return;
    version = view.version;
    bits = decode(view.seats);
    counts = view.counts;
    sale = view.sale;
    onChange({ bits, counts, sale });
  };
  const refetch = () => api('GET', `/v1/events/${eventId}/availability`).then(take, () => {});
  const stream = new EventSource(`/v1/events/${eventId}/stream`);
  stream.addEventListener('snapshot', (event) => take(JSON.parse(event.data)));
  stream.addEventListener('delta', (event) => {
    const delta = JSON.parse(event.data);
    if (delta.version <= version) return;
    if (delta.from > version) return refetch();
    for (const [i, status] of delta.changes) {
      const shift = 2 * (i % 4);
      bits[i >> 2] = (bits[i >> 2] & ~(3 << shift)) | (status << shift);
    }
    version = delta.version;
    counts = delta.counts ?? counts;
    onChange({ bits, counts, sale });
  });
  stream.addEventListener('sale', (event) => {
    sale = JSON.parse(event.data).sale ?? sale;
    onChange({ bits, counts, sale });
  });
  refetch();
  return () => stream.close();
}
