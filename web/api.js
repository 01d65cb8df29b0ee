/** Talks to the HTTP API. Rejects with the problem document (`code`, `title`, `detail`). */
const stored = () => JSON.parse(localStorage.getItem('usher') ?? 'null');

export const session = {
  get: stored,
  set: (value) => localStorage.setItem('usher', JSON.stringify(value)),
  clear: () => localStorage.removeItem('usher'),
};

async function send(method, path, body, key) {
  const token = stored()?.accessToken;
  return fetch(path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(key ? { 'idempotency-key': key } : {}),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

async function refresh() {
  const current = stored();
  if (!current?.refreshToken) return false;
  const answer = await send('POST', '/v1/auth/refresh', { refreshToken: current.refreshToken });
  if (!answer.ok) {
    session.clear();
    return false;
  }
  session.set({ ...current, ...(await answer.json()) });
  return true;
}

/** One call; an access token that has run out is renewed once. */
export async function api(method, path, body, { key } = {}) {
  const once = () => send(method, path, body, key);
  let answer = await once();
  if (answer.status === 401 && !path.startsWith('/v1/auth/') && (await refresh())) {
    answer = await once();
  }
  if (answer.status === 204) return undefined;
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw data;
  return data;
}

export const newKey = () => crypto.randomUUID();

export function price({ amount, currency }) {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

export const when = (time, zone) =>
  new Intl.DateTimeFormat(undefined, {
    dateStyle: 'full',
    timeStyle: 'short',
    timeZone: zone,
  }).format(new Date(time));
