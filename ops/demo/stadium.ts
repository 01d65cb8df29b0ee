import { uuidOf } from '#domain/chart-arrange.ts';
import type { ChartAdditions, PretixPlan, PretixRow, PretixZone } from '#domain/chart-pretix.ts';
import { at, drawRow, tangent } from '#ops/demo/draw.ts';

/**
 * A round stadium of 50 000 places: a lower ring of 20 sections (16 000 seats), an upper ring of 30
 * (24 000 seats), and two standing areas of 5 000 each. Rows are straight, tangents of the ring.
 */
const centre = { x: 2_200, y: 2_200 };
const rowsPerSection = 25;
const seatsPerRow = 32;
const seatPitch = 10;
const rowPitch = 14;

type Ring = {
  readonly prefix: string;
  readonly sections: number;
  readonly radius: number;
  /** Categories at the long sides, between, and behind the goals. */
  readonly categories: readonly [string, string, string];
};

const rings: readonly Ring[] = [
  { prefix: 'L', sections: 20, radius: 1_150, categories: ['Side', 'Corner', 'End'] },
  { prefix: 'U', sections: 30, radius: 1_720, categories: ['Corner', 'End', 'Upper End'] },
];

const categories = [
  { name: 'Side', color: '#b91c1c' },
  { name: 'Corner', color: '#d97706' },
  { name: 'End', color: '#15803d' },
  { name: 'Upper End', color: '#1d4ed8' },
  { name: 'Standing', color: '#6b7280' },
];

/** The pitch lies east to west: the ends are at its left and right. */
function categoryAt(angle: number, [side, corner, end]: Ring['categories']): string {
  const towardsEnd = Math.abs(Math.sin(angle));
  if (towardsEnd < 0.5) return side;
  return towardsEnd < 0.85 ? corner : end;
}

function sectionZone(ring: Ring, index: number): PretixZone {
  const angle = (2 * Math.PI * (index + 0.5)) / ring.sections;
  const section = `${ring.prefix}${index + 1}`;
  const category = categoryAt(angle, ring.categories);
  const rows = Array.from({ length: rowsPerSection }, (_, i): PretixRow => {
    const radius = ring.radius + i * rowPitch;
    return drawRow({
      section,
      name: String(i + 1),
      blocks: [seatsPerRow],
      step: tangent(centre, radius, angle, seatPitch),
      aisleSteps: 0,
      category: () => category,
    });
  });
  return {
    name: section,
    zone_id: section,
    uuid: uuidOf(`zone ${section}`),
    position: at(0, 0),
    rows,
  };
}

const standing = [
  { id: 'Standing West', x: -900 },
  { id: 'Standing East', x: 600 },
];

const field: PretixZone = {
  name: 'Field',
  uuid: uuidOf('zone Field'),
  position: centre,
  rows: [],
  areas: [
    {
      shape: 'rectangle',
      uuid: uuidOf('pitch'),
      position: at(-525, -340),
      rectangle: { width: 1_050, height: 680 },
      color: '#4d7c0f',
      text: { text: 'Pitch', color: '#ffffff', size: 60, position: at(525, 340) },
    },
    ...standing.map(({ id, x }) => ({
      shape: 'rectangle' as const,
      uuid: uuidOf(`area ${id}`),
      position: at(x, -300),
      rectangle: { width: 300, height: 600 },
      color: '#e5e7eb',
      text: { text: id, size: 30, position: at(150, 300) },
    })),
  ],
};

export function stadiumPlan(): { plan: PretixPlan; additions: ChartAdditions } {
  const seated = rings.flatMap((ring) =>
    Array.from({ length: ring.sections }, (_, i) => sectionZone(ring, i)),
  );
  return {
    plan: {
      name: 'Riverside Stadium',
      categories,
      size: { width: 4_400, height: 4_400 },
      zones: [field, ...seated],
    },
    additions: {
      areas: standing.map(({ id }) => ({
        id,
        name: id,
        category: 'Standing',
        capacity: 5_000,
        shape: uuidOf(`area ${id}`),
      })),
    },
  };
}
