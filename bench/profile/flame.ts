import { hueOf } from '#bench/profile/groups.ts';
import type { Frame } from '#bench/profile/stacks.ts';

const width = 1_200;
const head = 28;
const rowHeight = 16;
const letter = 6.1;
/** Frames of a smaller share are left out. */
const leastShare = 0.003;

type Box = { readonly frame: Frame; readonly depth: number; readonly x: number };

/** The merged stacks as a flame graph: one SVG with nothing outside of it, callers below. */
export function flameGraph(root: Frame, title: string): string {
  const boxes = boxesOf(root);
  const depth = Math.max(...boxes.map((box) => box.depth)) + 1;
  const height = head + depth * rowHeight + 4;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}"`,
    ` height="${height}"><style>text{font:10px monospace;pointer-events:none}`,
    'rect{stroke:#fff;stroke-width:.5}g:hover rect{stroke:#000}</style>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="4" y="17" style="font-size:13px">${escaped(title)}</text>\n`,
    ...boxes.map((box) => drawn(box, root.total, height)),
    '</svg>\n',
  ].join('');
}

/** Children stand beside each other above their caller, the largest first. */
function boxesOf(root: Frame): readonly Box[] {
  const boxes: Box[] = [];
  const place = (frame: Frame, depth: number, x: number): void => {
    boxes.push({ frame, depth, x });
    let from = x;
    for (const child of [...frame.children.values()].sort((a, b) => b.total - a.total)) {
      if (child.total < root.total * leastShare) break;
      place(child, depth + 1, from);
      from += child.total;
    }
  };
  place(root, 0, 0);
  return boxes;
}

function drawn({ frame, depth, x }: Box, all: number, height: number): string {
  const scale = width / Math.max(1, all);
  const y = height - 2 - (depth + 1) * rowHeight;
  const wide = frame.total * scale;
  const percent = (micros: number): string => ((100 * micros) / Math.max(1, all)).toFixed(1);
  const about = `${frame.name}: ${percent(frame.total)} %, itself ${percent(frame.self)} %`;
  const label = labelOf(frame.name, Math.floor((wide - 4) / letter));
  const left = x * scale;
  const fill = frame.group === 'all' ? '#ddd' : `hsl(${hueOf(frame.group)} 75% 75%)`;
  const text =
    label === ''
      ? ''
      : `<text x="${(left + 2).toFixed(1)}" y="${y + 11.5}">${escaped(label)}</text>`;
  return (
    `<g><title>${escaped(`${about} (${frame.group})`)}</title><rect x="${left.toFixed(1)}" ` +
    `y="${y}" width="${wide.toFixed(1)}" height="${rowHeight}" fill="${fill}"/>${text}</g>\n`
  );
}

/** A name, or its file and function, or of the function what there is room for. */
function labelOf(name: string, letters: number): string {
  if (name.length <= letters) return name;
  const inFile = name.slice(name.lastIndexOf('/') + 1);
  if (inFile.length <= letters) return inFile;
  const called = name.slice(name.lastIndexOf(':') + 1);
  if (called.length <= letters) return called;
  return letters < 3 ? '' : `${called.slice(0, letters - 1)}…`;
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
