import { readFileSync } from 'node:fs';
import type { ChartSource } from '#domain/chart-source.ts';
import type { EventCategory } from '#domain/event.ts';
import type { InstalmentPlan } from '#domain/instalment-plan.ts';
import type { RefundRules } from '#domain/refund-rules.ts';
import { stadiumPlan } from '#ops/demo/stadium.ts';

export type DemoShow = {
  readonly title: string;
  readonly description: string;
  readonly category: EventCategory;
  readonly performers: readonly string[];
  /** Days from now, at this hour (UTC), for so many hours. */
  readonly inDays: number;
  readonly hour: number;
  readonly hours: number;
  /** Minor units by category of the chart. */
  readonly prices: Readonly<Record<string, number>>;
  readonly refundRules?: RefundRules;
  readonly instalmentPlans?: readonly DemoPlan[];
  /** Categories whose price rises as they sell, up to half as much again. */
  readonly moving?: readonly string[];
};

type DemoPlan = Pick<
  InstalmentPlan,
  'planId' | 'parts' | 'firstBasisPoints' | 'everyDays' | 'lastDueDaysBefore' | 'minTotal' | 'fee'
>;

export type DemoHouse = {
  readonly venue: {
    readonly name: string;
    readonly address: string;
    readonly city: string;
    readonly zip: string;
    readonly country: string;
    readonly location: { readonly lat: number; readonly lon: number };
    readonly zone: string;
  };
  readonly chart: () => ChartSource;
  readonly currency: string;
  readonly shows: readonly DemoShow[];
};

const json = (file: string): unknown =>
  JSON.parse(readFileSync(new URL(`./plans/${file}`, import.meta.url), 'utf8'));

/** The theatre's plan in the pretix format, and what that format cannot hold. */
export const theatreSource = (): ChartSource =>
  ({ plan: json('theatre.json'), additions: json('theatre.additions.json') }) as ChartSource;

const clubText = `chart "Cellar Club"
category Floor color=#7c3aed
category Table color=#d97706
area "Dance Floor" cat=Floor capacity=600
section Gallery cat=Table
row "Table 1" 1-4
row "Table 2" 1-4
row "Table 3" 1-4
row "Table 4" 1-4 accessible=1-2 companion=3-4
`;

const theatrePrices = {
  Premium: 8_900,
  'Category 1': 6_900,
  'Category 2': 4_900,
  'Category 3': 3_400,
  'Category 4': 2_200,
};
const stadiumPrices = {
  Side: 9_500,
  Corner: 7_000,
  End: 4_500,
  'Upper End': 3_000,
  Standing: 2_500,
};
const clubPrices = { Floor: 1_800, Table: 4_200 };

/** All until a week before, half until two days before. */
const theatreRefunds: RefundRules = {
  tiers: [
    { untilHoursBefore: 168, basisPoints: 10_000 },
    { untilHoursBefore: 48, basisPoints: 5_000 },
  ],
  feePerTicket: 0,
  returnServiceFees: true,
};

const thirds: DemoPlan = {
  planId: 'thirds',
  parts: 3,
  firstBasisPoints: 4_000,
  everyDays: 7,
  lastDueDaysBefore: 14,
  minTotal: 5_000,
  fee: 200,
};

/** Two events of the theatre at one price, and a code that takes something off. */
export const demoOffers = {
  package: {
    name: 'Tempest and piano',
    description: 'An evening of theatre and one of music, in the same house.',
    titles: ['The Tempest', 'Songs Without Words'],
    discountBasisPoints: 1_500,
    limit: 100,
    divisible: true,
  },
  promo: { code: 'WELCOME', basisPoints: 1_000 },
} as const;

const tempest = {
  title: 'The Tempest',
  description: 'An island, a storm, and a magician who lets go.',
  category: 'theatre',
  performers: ['Old Harbour Ensemble'],
  hour: 18,
  hours: 3,
  prices: theatrePrices,
  refundRules: theatreRefunds,
} as const;

export const demoHouses: readonly DemoHouse[] = [
  {
    venue: {
      name: 'Theatre at the Old Harbour',
      address: 'Hafengasse 1',
      city: 'Vienna',
      zip: '1020',
      country: 'AT',
      location: { lat: 48.2136, lon: 16.3869 },
      zone: 'Europe/Vienna',
    },
    chart: theatreSource,
    currency: 'EUR',
    shows: [
      { ...tempest, inDays: 9 },
      { ...tempest, inDays: 10 },
      {
        title: 'Songs Without Words',
        description: 'Mendelssohn, Schumann and a grand piano.',
        category: 'concert',
        performers: ['Mira Halász', 'Harbour Chamber Players'],
        inDays: 16,
        hour: 18,
        hours: 2,
        prices: theatrePrices,
        refundRules: { ...theatreRefunds, feePerTicket: 200, returnServiceFees: false },
        moving: ['Premium', 'Category 1'],
      },
    ],
  },
  {
    venue: {
      name: 'Riverside Stadium',
      address: 'Riverside Way 100',
      city: 'London',
      zip: 'E16 1XL',
      country: 'GB',
      location: { lat: 51.508, lon: 0.0294 },
      zone: 'Europe/London',
    },
    chart: stadiumPlan,
    currency: 'GBP',
    shows: [
      {
        title: 'Cup Final: Rovers – United',
        description: 'Ninety minutes, and more if need be.',
        category: 'sport',
        performers: ['Rovers', 'United'],
        inDays: 30,
        hour: 15,
        hours: 3,
        prices: stadiumPrices,
      },
      {
        title: 'Northern Lights World Tour',
        description: 'The last night of the tour, under an open sky.',
        category: 'concert',
        performers: ['Northern Lights', 'Paper Comets'],
        inDays: 45,
        hour: 18,
        hours: 4,
        prices: stadiumPrices,
        instalmentPlans: [thirds],
      },
    ],
  },
  {
    venue: {
      name: 'Cellar Club',
      address: 'Kellerstraße 7',
      city: 'Berlin',
      zip: '10999',
      country: 'DE',
      location: { lat: 52.4986, lon: 13.4184 },
      zone: 'Europe/Berlin',
    },
    chart: () => ({ text: clubText }),
    currency: 'EUR',
    shows: [
      {
        title: 'Late Night Jazz',
        description: 'A trio, a trumpet and no hurry.',
        category: 'club',
        performers: ['Trio Ostkreuz'],
        inDays: 4,
        hour: 21,
        hours: 4,
        prices: clubPrices,
      },
      {
        title: 'Synth Night',
        description: 'Old machines, new noise.',
        category: 'club',
        performers: ['Voltage Garden', 'DJ Lumen'],
        inDays: 11,
        hour: 21,
        hours: 6,
        prices: clubPrices,
      },
    ],
  },
];
