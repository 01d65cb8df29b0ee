import type { Frame } from '#bench/profile/stacks.ts';

/** The first pattern that a frame's place matches names its group and its colour. */
const groups: ReadonlyArray<readonly [pattern: RegExp, name: string, hue: number]> = [
  [/^\(garbage collector\)$/, 'collecting garbage', 0],
  [/^\(program\)$/, 'outside of JavaScript', 210],
  [
    /^node:(net|tls|dns|stream|events|buffer)|^node:internal\/(stream|js_stream|net|buffer)/,
    'sockets, streams',
    200,
  ],
  [/^node:(_http|http|internal\/http)|^undici\//, "Node's HTTP", 185],
  [/^jose\/|^adapters\/tokens|^node:(internal\/)?crypto/, 'tokens, crypto', 285],
  [/^node:internal\/(process|promise|async|timers)|^node:(timers|async)/, 'promises, timers', 260],
  [/^node:/, 'Node, other', 230],
  [/^moleculer/, 'Moleculer', 35],
  [/^(nats|@nats-io)\//, 'NATS', 55],
  [/^zod\//, 'zod', 320],
  [/^bson\//, 'BSON', 150],
  [/^mongodb/, 'driver of MongoDB', 130],
  [/^adapters\/journal/, 'journal', 105],
  [/^actors\//, 'event actor', 15],
  [/^domain\/inventory\//, 'rules of the inventory', 5],
  [/^(flows|domain|adapters\/store)\//, 'bookings, other rules', 340],
  [/^bench\//, 'load generator', 60],
  [/^(services|contracts|mixins|broker|adapters|config|main)\b/, 'Usher, other', 25],
];
const other = 'other packages';

/** The group of code at this place; code without a place belongs to who called it. */
export function groupOf(place: string, caller: string): string {
  if (place === '') return caller;
  return groups.find(([pattern]) => pattern.test(place))?.[1] ?? other;
}

export const hueOf = (group: string): number =>
  groups.find(([, name]) => name === group)?.[2] ?? 80;

/** Self time of each group under this frame, as shares of the frame's whole time. */
export function sharesOf(root: Frame): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  const add = (frame: Frame): void => {
    const share = frame.self / Math.max(1, root.total);
    if (share > 0) shares.set(frame.group, (shares.get(frame.group) ?? 0) + share);
    for (const child of frame.children.values()) add(child);
  };
  add(root);
  return shares;
}
