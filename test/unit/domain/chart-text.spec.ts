import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkChart } from '#domain/chart-check.ts';
import { layoutOf } from '#domain/chart-layout.ts';
import { fromPretix } from '#domain/chart-pretix.ts';
import { chartFromText } from '#domain/chart-text.ts';
import { chartToText } from '#domain/chart-text-export.ts';
import { spellNumbers } from '#domain/chart-text-seats.ts';
import { dataOf } from '#domain/errors.ts';
import { theatreSource } from '#ops/demo/houses.ts';

const hall = `# A hall with everything the form knows
chart "Grand Hall"
category A color="#cc0000"
category "Best view"
section Stalls cat=A
row A 1-10 | 11-20 || 21-30 accessible=1-2 companion=3
row B 29-1/2 | 2-30/2 cat="Best view" cat:A=3,1
row "C 1" 1-2,5 restricted=5 label="Row \\"C\\""
section "Circle Left" cat=A at=10.5,-20
row A 1-4
area Standing cat=A capacity=5000
area "VIP Lounge" cat="Best view" capacity=40 id=vip
`;

const mistakesOf = (text: string): string[] => {
  try {
    checkChart(chartFromText(text));
  } catch (error) {
    const errors = dataOf(error).errors as { path: string; message: string }[];
    return errors.map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
};

describe('charts as text', () => {
  it('reads sections, rows, aisles, categories, flags and areas', () => {
    const chart = chartFromText(hall);
    checkChart(chart);
    const layout = layoutOf(chart);
    expect(layout.seats).toHaveLength(30 + 30 + 3 + 4);
    const order = (id: string): number => layout.seats.find((s) => s.id === id)?.order ?? -1;
    expect(order('Stalls-A-11') - order('Stalls-A-10')).toBe(2);
    expect(order('Stalls-A-10') - order('Stalls-A-9')).toBe(1);
    const rows = chart.sections.flatMap((section) => section.rows);
    const seat = rows.flatMap((row) => row.seats).find(({ id }) => id === 'Stalls-B-3');
    expect(seat?.category).toBe('A');
    expect(chart.areas).toMatchObject([
      { id: 'Standing', capacity: 5_000 },
      { id: 'vip', name: 'VIP Lounge', capacity: 40 },
    ]);
  });

  it('is written back without loss', () => {
    const chart = chartFromText(hall);
    const { text, lost } = chartToText(chart);
    expect(lost).toEqual([]);
    expect(chartFromText(text)).toEqual(chart);
    expect(text).toContain('row A 1-10 | 11-20 || 21-30 accessible=1-2 companion=3');
  });

  it('says what it cannot hold of a drawn chart', () => {
    const { plan, additions } = theatreSource();
    if (plan === undefined) throw new Error('there is no plan');
    const { text, lost } = chartToText(fromPretix(plan, additions));
    expect(lost).toEqual(expect.arrayContaining(['coordinates', 'drawn shapes']));
    expect(lost).not.toContain('seat numbers');
    expect(lost).not.toContain('seat ids');
    expect(lost).not.toContain('categories and flags of seats');
    expect(text).toContain('section Stalls');
  });

  it.each([
    ['rw A 1-3', 'line 1: "rw" begins no line (chart, category, section, row, area do)'],
    ['\n\nrow A 1', 'line 3: a row needs a section line above it'],
    ['section', 'line 1: the name is missing'],
    ['category A\nsection S\nrow A 1', 'line 3: row A, seat 1 has no category (cat=…)'],
    ['section S cat=A\nrow A', 'line 2: the row has no seats'],
    ['section S cat=A\nrow A 1//2', 'line 2: "1//2" is no seat number'],
    [
      'section S cat=A\nrow A 1-3 accessible=9',
      'line 2: accessible names seat 9, which row A does not have',
    ],
    ['section S cat=A\nrow A 1-3 colour=red', 'line 2: a row has no "colour"'],
    ['section S cat=A cat=B', 'line 1: "cat" is there twice'],
    ['section Upper Circle', 'line 1: "Circle" is too much; put a name in quotes'],
    ['section "S', 'line 1: cannot be read from column 9 on'],
    ['area X cat=A', 'line 1: area X needs capacity=… with a number of places'],
    ['section S at=here', 'line 1: at=here is not x,y'],
    [
      'section S cat=A\nrow A 1-120001',
      'line 2: 1-120001 would be 120001 seats, 120000 are allowed',
    ],
    ['category A\nsection S cat=B\nrow A 1', 'S, row A, seat 1: the category "B" is not defined'],
    [
      'category A\nsection S cat=A\nrow A 1,1',
      'S, row A, seat 1: the seat id "S-A-1" is already that of S, row A, seat 1',
    ],
  ])('refuses %j by its line', (text, message) => {
    expect(mistakesOf(text)).toContain(message);
  });

  it('names every line that is wrong', () => {
    const wrong = Array.from({ length: 30 }, () => 'nonsense').join('\n');
    const mistakes = mistakesOf(wrong);
    expect(mistakes).toHaveLength(20);
    expect(mistakes[19]).toMatch(/^line 20: /);
  });

  it('stops at a row that goes beyond the places allowed', () => {
    const rows = Array.from({ length: 3 }, (_, i) => `row ${i} 1-60000`).join('\n');
    const mistakes = mistakesOf(`category A\nsection S cat=A\n${rows}`);
    expect(mistakes).toEqual(['line 5: row 2 of S brings it to 180000 seats, 120000 are allowed']);
  });

  it('spells any numbers so that they are read back', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.oneof(fc.nat(60).map(String), fc.constantFrom('1a', 'B', '07', '-3'))),
        (numbers) => {
          fc.pre(numbers.length > 0);
          const text = `category A\nsection S cat=A\nrow R ${spellNumbers(numbers)}`;
          const seats = chartFromText(text).sections[0]?.rows[0]?.seats ?? [];
          expect(seats.map((seat) => seat.number)).toEqual(numbers);
        },
      ),
    );
  });

  it('holds whatever names there are', () => {
    const name = fc.string({ minLength: 1, maxLength: 12 }).filter((s) => !/[\r\n]/.test(s));
    fc.assert(
      fc.property(name, name, name, (section, row, category) => {
        const quote = (s: string): string => `"${s.replace(/(["\\])/g, '\\$1')}"`;
        const text = `category ${quote(category)}\nsection ${quote(section)} cat=${quote(category)}
row ${quote(row)} 1-3 | 4-5\narea ${quote(`${section}+`)} cat=${quote(category)} capacity=3`;
        const chart = chartFromText(text);
        const back = chartToText(chart);
        expect(back.lost).toEqual([]);
        expect(chartFromText(back.text)).toEqual(chart);
      }),
    );
  });
});
