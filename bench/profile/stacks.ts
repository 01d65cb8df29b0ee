import { groupOf } from '#bench/profile/groups.ts';

/** What is read of a `.cpuprofile`; times in µs of the monotonic clock. */
export type CpuProfile = {
  readonly nodes: readonly CpuNode[];
  readonly startTime: number;
  readonly endTime: number;
  readonly samples: readonly number[];
  /** From each sample's predecessor, the first's from `startTime`. */
  readonly timeDeltas: readonly number[];
};

type CpuNode = {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
};

export type Span = { readonly from: number; readonly to: number };

/** Stacks that begin alike, merged; `total` is `self` and the children's totals, in µs. */
export type Frame = {
  readonly name: string;
  readonly group: string;
  readonly children: Map<string, Frame>;
  self: number;
  total: number;
};

const repository = new URL('../../', import.meta.url).href;

/** Where code is, without the machine's paths: `zod/v4/core/parse.js`, `actors/host.ts`. */
export function placeOf(url: string): string {
  const [, inPackage] = /.*\/node_modules\/(.+)$/.exec(url) ?? [];
  if (inPackage !== undefined) return inPackage;
  if (url.startsWith(repository)) return url.slice(repository.length);
  return url.startsWith('file:') || url.startsWith('/') ? url.slice(url.lastIndexOf('/') + 1) : url;
}

/**
 * The stacks of the samples within the span, merged from the root on. A sample counts until the
 * next one; what of that lies outside the span and what is idle does not count.
 */
export function mergeStacks({ nodes, ...profile }: CpuProfile, span: Span): Frame {
  const root: Frame = { name: 'all', group: 'all', children: new Map(), self: 0, total: 0 };
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((c) => [c, id])));
  const stackOf = (id: number): CpuNode[] => {
    const stack: CpuNode[] = [];
    for (let at: number | undefined = id; at !== undefined; at = callers.get(at)) {
      const node = byId.get(at);
      if (node !== undefined) stack.push(node);
    }
    return stack.reverse().slice(1);
  };
  let until = profile.startTime + (profile.timeDeltas[0] ?? 0);
  for (const [i, id] of profile.samples.entries()) {
    const begun = until;
    const lasts = profile.timeDeltas[i + 1];
    until = lasts === undefined ? profile.endTime : begun + lasts;
    const counted = Math.min(until, span.to) - Math.max(begun, span.from);
    if (counted > 0 && byId.get(id)?.callFrame.functionName !== '(idle)') {
      addStack(root, stackOf(id), counted);
    }
  }
  return root;
}

function addStack(root: Frame, stack: readonly CpuNode[], micros: number): void {
  let frame = root;
  frame.total += micros;
  for (const { callFrame } of stack) {
    frame = childOf(frame, callFrame);
    frame.total += micros;
  }
  frame.self += micros;
}

function childOf(caller: Frame, { functionName, url, lineNumber }: CpuNode['callFrame']): Frame {
  const place = url === '' && functionName.startsWith('(') ? functionName : placeOf(url);
  const called = functionName === '' ? `(line ${lineNumber + 1})` : functionName;
  const name = url === '' ? called : `${place}:${called}`;
  const known = caller.children.get(name);
  if (known !== undefined) return known;
  const group = groupOf(place, caller.group);
  const frame: Frame = { name, group, children: new Map(), self: 0, total: 0 };
  caller.children.set(name, frame);
  return frame;
}
