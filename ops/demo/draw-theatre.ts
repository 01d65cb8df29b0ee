/**
 * Draws the theatre of the demo, a house of our own: curved stalls with two aisles, dress circle,
 * upper circle, and boxes at both sides. Run it to write `plans/theatre.json` (the pretix format)
 * and `plans/theatre.additions.json` (accessible, companion and restricted-view places).
 */
import { writeFileSync } from 'node:fs';
import type { Point } from '#domain/chart.ts';
import { uuidOf } from '#domain/chart-arrange.ts';
import type { ChartAdditions, PretixPlan, PretixRow, PretixZone } from '#domain/chart-pretix.ts';
import { arc, at, drawRow } from '#ops/demo/draw.ts';

const middleX = 700;
const seatPitch = 24;

const categories = [
  { name: 'Premium', color: '#7c3aed' },
  { name: 'Category 1', color: '#dc2626' },
  { name: 'Category 2', color: '#ea580c' },
  { name: 'Category 3', color: '#16a34a' },
  { name: 'Category 4', color: '#2563eb' },
];

/** Rows are lettered without I and O, which look like figures. */
const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

type Tier = {
  readonly section: string;
  /** Centre of the rows' curvature and radius of the first row. */
  readonly centreY: number;
  readonly radius: number;
  readonly rowPitch: number;
  /** Seats per block, row by row. */
  readonly rows: readonly (readonly number[])[];
  readonly category: (row: number, fromMiddle: number) => string;
};

/** 0 in the middle of the row, 1 at its ends. */
const fromMiddle = (number: number, of: number): number =>
  Math.abs(number - (of + 1) / 2) / ((of - 1) / 2);

function tierZone(tier: Tier): PretixZone {
  const centre: Point = { x: middleX, y: tier.centreY };
  const rows = tier.rows.map((blocks, i): PretixRow => {
    const radius = tier.radius + i * tier.rowPitch;
    return drawRow({
      section: tier.section,
      name: letters.charAt(i),
      blocks,
      step: arc(centre, radius, seatPitch),
      aisleSteps: 1.5,
      category: (number, of) => tier.category(i, fromMiddle(number, of)),
    });
  });
  return {
    name: tier.section,
    zone_id: tier.section.toLowerCase().replace(/ /g, '-'),
    uuid: uuidOf(`zone ${tier.section}`),
    position: at(0, 0),
    rows,
  };
}

const stalls: Tier = {
  section: 'Stalls',
  centreY: -560,
  radius: 760,
  rowPitch: 32,
  rows: Array.from({ length: 18 }, (_, i) => {
    const side = Math.min(10, 6 + Math.floor(i / 2));
    return [side, i < 4 ? 12 : 14, side];
  }),
  category: (row, far) => {
    if (row >= 2 && row <= 9 && far < 0.55) return 'Premium';
    if (row <= 11 && far < 0.85) return 'Category 1';
    return 'Category 2';
  },
};

const dressCircle: Tier = {
  section: 'Dress Circle',
  centreY: -560,
  radius: 1_420,
  rowPitch: 34,
  rows: Array.from({ length: 8 }, (_, i) => [9, 10 + (i >> 2), 10 + (i >> 2), 9]),
  category: (row, far) => {
    if (row < 2 && far < 0.5) return 'Premium';
    if (row < 5 && far < 0.8) return 'Category 1';
    return 'Category 2';
  },
};

const upperCircle: Tier = {
  section: 'Upper Circle',
  centreY: -560,
  radius: 1_760,
  rowPitch: 34,
  rows: Array.from({ length: 7 }, (_, i) => [9 + (i >> 2), 10, 10, 9 + (i >> 2)]),
  category: (row, far) => (row < 3 && far < 0.7 ? 'Category 3' : 'Category 4'),
};

/** Six boxes of four at each side, turned to the stage. */
function boxesZone(side: 'Left' | 'Right'): PretixZone {
  const sign = side === 'Left' ? -1 : 1;
  const section = `Boxes ${side}`;
  const rows = Array.from({ length: 6 }, (_, i): PretixRow => {
    const x = middleX + sign * (430 + i * 14);
    const y = 190 + i * 100;
    return drawRow({
      section,
      name: `Box ${i + 1}`,
      blocks: [4],
      step: (n) => ({ x: x + sign * n * 4, y: y + n * 22 }),
      aisleSteps: 0,
      category: () => (i < 2 ? 'Category 3' : 'Category 2'),
    });
  });
  return {
    name: section,
    zone_id: section.toLowerCase().replace(/ /g, '-'),
    uuid: uuidOf(`zone ${section}`),
    position: at(0, 0),
    rows,
  };
}

const stage: PretixZone = {
  name: 'Stage',
  zone_id: 'stage',
  uuid: uuidOf('zone Stage'),
  position: at(middleX, 60),
  rows: [],
  areas: [
    {
      shape: 'rectangle',
      uuid: uuidOf('stage'),
      position: at(-260, -40),
      rectangle: { width: 520, height: 90 },
      color: '#1f2937',
      border_color: '#111827',
      rotation: 0,
      text: { text: 'Stage', color: '#ffffff', size: 24, position: at(260, 45) },
    },
  ],
};

const plan: PretixPlan = {
  name: 'Theatre at the Old Harbour',
  categories,
  size: { width: 1_400, height: 1_500 },
  zones: [
    stage,
    tierZone(stalls),
    boxesZone('Left'),
    boxesZone('Right'),
    tierZone(dressCircle),
    tierZone(upperCircle),
  ],
};

const rowOf = (section: string, name: string): readonly string[] =>
  plan.zones
    .find((zone) => zone.name === section)
    ?.rows.find((row) => row.row_number === name)
    ?.seats.map((seat) => seat.seat_guid) ?? [];

/** Level access is at both ends of the stalls' last row, each place with one for a companion. */
const lastStalls = rowOf('Stalls', 'T');
const additions: ChartAdditions = {
  accessible: [0, 2, 4, -5, -3, -1].map((i) => lastStalls.at(i) ?? ''),
  companion: [1, 3, 5, -6, -4, -2].map((i) => lastStalls.at(i) ?? ''),
  restrictedView: [
    ...['Boxes Left', 'Boxes Right'].flatMap((boxes) =>
      ['Box 1', 'Box 2'].flatMap((box) => rowOf(boxes, box).slice(2)),
    ),
    ...'ABCDEFG'.split('').flatMap((row) => {
      const seats = rowOf('Upper Circle', row);
      return [...seats.slice(0, 2), ...seats.slice(-2)];
    }),
  ],
};

const write = (file: string, content: unknown): void =>
  writeFileSync(
    new URL(`./plans/${file}`, import.meta.url),
    // One line for each seat: readable, and small differences stay small.
    `${JSON.stringify(content, null, 1).replace(/\n {5,}/g, '')}\n`,
  );
write('theatre.json', plan);
write('theatre.additions.json', additions);
