import { sharesOf } from '#bench/profile/groups.ts';
import type { Profiled } from '#bench/profile/profile.ts';
import type { where } from '#bench/support/results.ts';

/** Groups that have less than this of every profile share one row. */
const leastShare = 0.01;
const rest = 'everything else';

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const percent = (share: number): string => (share < 0.0005 ? '' : `${(100 * share).toFixed(1)} %`);

/** `docs/profiles/README.md`. `load` is the machine's load average before the profiles. */
export function profilePage(
  profiles: readonly Profiled[],
  { at, commit, machine, node }: ReturnType<typeof where>,
  load: number,
): string {
  const others =
    load < machine.cores / 2
      ? 'The machine was quiet before.'
      : `The machine was busy with other work (load average ${load.toFixed(1)} before): the shares ` +
        'say where the time goes, the rates are lower than they would be.';
  const names = profiles.map(({ name }) => name);
  return [
    '# Profiles',
    '',
    'Written by `npm run bench -- profile`: CPU profiles of main threads under load, their stacks merged. Open an SVG in a',
    'browser and rest the pointer on a frame: its name, its share with all it calls, and its own. Callers are below, colours are',
    'the groups of the table, frames under 0.3 % are left out. Idle time does not count.',
    '',
    `${at.slice(0, 10)}, commit ${commit}, ${machine.cores} cores of ${machine.cpu}, ` +
      `${machine.memoryGb} GB, Node ${node.replace('v', '')}; MongoDB, NATS and the load on the same cores.`,
    others,
    '',
    row(['profile', 'load', 'busy']),
    row(['---', '---', '---:']),
    ...profiles.map(({ name, load: of, busy }) =>
      row([`[${name}](${name}.svg)`, of, `${(100 * busy).toFixed(0)} %`]),
    ),
    '',
    '`busy` is the part of the wall-clock time in which the thread was not idle, waiting for a core included.',
    '',
    '## Own time by group',
    row(['', ...names]),
    row(['---', ...names.map(() => '---:')]),
    ...groupRows(profiles),
    '',
    'Code of Node itself that has no file (a system call, a hash) counts with its caller; `outside of JavaScript` is',
    'what has no caller either: the event loop reading sockets, compiling, waiting for a core.',
    '',
  ].join('\n');
}

function groupRows(profiles: readonly Profiled[]): string[] {
  const shares = profiles.map(({ stacks }) => sharesOf(stacks));
  const most = (group: string): number => Math.max(...shares.map((of) => of.get(group) ?? 0));
  const all = [...new Set(shares.flatMap((of) => [...of.keys()]))];
  const shown = all.filter((group) => most(group) >= leastShare);
  const few = all.filter((group) => most(group) < leastShare);
  const sum = (of: ReadonlyMap<string, number>): number =>
    few.reduce((total, group) => total + (of.get(group) ?? 0), 0);
  return [
    ...shown
      .sort((a, b) => most(b) - most(a))
      .map((group) => row([group, ...shares.map((of) => percent(of.get(group) ?? 0))])),
    ...(few.length === 0 ? [] : [row([rest, ...shares.map((of) => percent(sum(of)))])]),
  ];
}
