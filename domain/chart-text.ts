import type { Chart, ChartArea, ChartCategory, ChartRow, ChartSeat } from '#domain/chart.ts';
import {
  areaShape,
  placed,
  rowPosition,
  rowPositions,
  type Unplaced,
} from '#domain/chart-arrange.ts';
import { Mistakes } from '#domain/chart-check.ts';
import { type Line, linesOf } from '#domain/chart-text-line.ts';
import { numbersOf, type SeatRun, seatRunsOf } from '#domain/chart-text-seats.ts';
import { limits } from '#domain/limits.ts';

/**
 * Reads the compact text form (docs/charts.md). Throws `invalid-chart` with every mistake named by
 * its line. What the lines say of each other (ids, categories, sizes) is for `checkChart`.
 */
export function chartFromText(text: string, name = 'Chart'): Chart {
  const mistakes = new Mistakes();
  const draft = new Draft(name, mistakes);
  for (const line of linesOf(text, mistakes)) draft.take(line);
  mistakes.refuse();
  return draft.chart();
}

/** The id that a seat of the text form has. */
const textSeatId = (section: string, row: string, number: string): string =>
  `${section}-${row}-${number}`.trim();

type OpenSection = {
  name: string;
  category: string | undefined;
  at: Unplaced['at'];
  rows: ChartRow[];
};

const keys = {
  chart: [],
  category: ['color'],
  section: ['cat', 'at'],
  row: ['cat', 'accessible', 'companion', 'restricted', 'label'],
  area: ['cat', 'capacity', 'id', 'at'],
} as const;

class Draft {
  private name: string;
  private readonly mistakes: Mistakes;
  private readonly categories: ChartCategory[] = [];
  private readonly sections: (OpenSection | Unplaced)[] = [];
  private readonly areas: ChartArea[] = [];
  private open: OpenSection | undefined;
  private seats = 0;

  constructor(name: string, mistakes: Mistakes) {
    this.name = name;
    this.mistakes = mistakes;
  }

  take(line: Line): void {
    const [name] = line.words;
    const allowed = keys[line.keyword as keyof typeof keys] as readonly string[] | undefined;
    if (allowed === undefined) {
      const known = Object.keys(keys).join(', ');
      this.mistakes.add(line.path, `"${line.keyword}" begins no line (${known} do)`);
      return;
    }
    if (name === undefined) {
      this.mistakes.add(line.path, 'the name is missing');
      return;
    }
    for (const key of line.options.keys()) {
      if (allowed.includes(key) || (line.keyword === 'row' && key.startsWith('cat:'))) continue;
      this.mistakes.add(line.path, `a ${line.keyword} has no "${key}"`);
    }
    if (line.keyword !== 'row' && line.words.length > 1) {
      this.mistakes.add(line.path, `"${line.words[1]}" is too much; put a name in quotes`);
    }
    if (line.keyword === 'chart') this.name = name;
    else if (line.keyword === 'category') this.takeCategory(line, name);
    else if (line.keyword === 'section') this.takeSection(line, name);
    else if (line.keyword === 'row') this.takeRow(line, name);
    else this.takeArea(line, name);
  }

  chart(): Chart {
    const sections = this.sections.map((s): Unplaced => {
      const { at, ...rest } = s;
      if (!('category' in rest)) return s as Unplaced;
      const { category: _, ...section } = rest;
      return at === undefined ? section : { ...section, at };
    });
    return {
      name: this.name,
      categories: this.categories,
      areas: this.areas,
      ...placed(sections),
    };
  }

  private takeCategory(line: Line, name: string): void {
    const color = line.options.get('color');
    this.categories.push(color === undefined ? { name } : { name, color });
  }

  private takeSection(line: Line, name: string): void {
    this.open = { name, category: line.options.get('cat'), at: this.at(line), rows: [] };
    this.sections.push(this.open);
  }

  private at(line: Line): Unplaced['at'] {
    const text = line.options.get('at');
    if (text === undefined) return undefined;
    const match = /^(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)$/.exec(text);
    if (match !== null) return { x: Number(match[1]), y: Number(match[2]) };
    this.mistakes.add(line.path, `at=${text} is not x,y`);
    return undefined;
  }

  private takeRow(line: Line, name: string): void {
    const section = this.open;
    if (section === undefined) {
      this.mistakes.add(line.path, 'a row needs a section line above it');
      return;
    }
    const runs = seatRunsOf(line.words.slice(1).join(' '), line.path, this.mistakes);
    this.seats += runs.length;
    if (this.seats > limits.chartPlacesMax) {
      const sum = `row ${name} of ${section.name} brings it to ${this.seats} seats`;
      this.mistakes.add(line.path, `${sum}, ${limits.chartPlacesMax} are allowed`);
      return;
    }
    const label = line.options.get('label');
    section.rows.push({
      name,
      seats: this.seatsOf(line, section, name, runs),
      position: rowPosition(section.rows.length),
      ...(label === undefined ? {} : { label }),
    });
  }

  private seatsOf(line: Line, section: OpenSection, row: string, runs: SeatRun[]): ChartSeat[] {
    const present = new Set(runs.map((run) => run.number));
    const numbers = (key: string): ReadonlySet<string> => {
      const named = numbersOf(line.options.get(key) ?? '', line.path, this.mistakes);
      for (const number of named) {
        if (present.has(number)) continue;
        this.mistakes.add(line.path, `${key} names seat ${number}, which row ${row} does not have`);
      }
      return new Set(named);
    };
    const usual = line.options.get('cat') ?? section.category;
    const own = [...line.options.keys()]
      .filter((key) => key.startsWith('cat:'))
      .map((key) => ({ category: key.slice(4), seats: numbers(key) }));
    const flags = {
      accessible: numbers('accessible'),
      companion: numbers('companion'),
      restrictedView: numbers('restricted'),
    };
    const positions = rowPositions(runs.map((run) => run.gapBefore));
    return runs.map(({ number }, i): ChartSeat => {
      const category = own.find(({ seats }) => seats.has(number))?.category ?? usual;
      if (category === undefined) {
        this.mistakes.add(line.path, `row ${row}, seat ${number} has no category (cat=…)`);
      }
      return {
        id: textSeatId(section.name, row, number),
        number,
        category: category ?? '',
        position: positions[i] ?? { x: 0, y: 0 },
        ...(flags.accessible.has(number) ? { accessible: true } : {}),
        ...(flags.companion.has(number) ? { companion: true } : {}),
        ...(flags.restrictedView.has(number) ? { restrictedView: true } : {}),
      };
    });
  }

  private takeArea(line: Line, name: string): void {
    const category = line.options.get('cat');
    const capacity = line.options.get('capacity') ?? '';
    if (category === undefined) this.mistakes.add(line.path, `area ${name} has no cat=…`);
    if (!/^[1-9]\d{0,6}$/.test(capacity)) {
      this.mistakes.add(line.path, `area ${name} needs capacity=… with a number of places`);
      return;
    }
    const id = line.options.get('id') ?? name;
    const shape = areaShape(id, name);
    const at = this.at(line);
    this.areas.push({
      id,
      name,
      category: category ?? '',
      capacity: Number(capacity),
      ...(shape.uuid === undefined ? {} : { shape: shape.uuid }),
    });
    this.sections.push({ name, rows: [], shapes: [shape], ...(at === undefined ? {} : { at }) });
    this.open = undefined;
  }
}
