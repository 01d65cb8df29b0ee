import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Buyer, type ChartView, type Sale } from '#bench/onsale/buyer.ts';
import { Tally } from '#bench/onsale/tally.ts';
import { HttpClient } from '#bench/support/http.ts';
import { expectStatus, seatGrid, sessionFor, stageEvent } from '#bench/support/organizer.ts';
import { inParallel } from '#bench/support/stats.ts';

const usage = `npm run onsale -- [options]
  --url URL        gateway to use; give it again for several (http://localhost:3000)
  --buyers N       people who come (500)
  --event ID       an event that is on sale; without it a new one is made
  --seats N        seats of the new event (the committed theatre plan, about 1 200)
  --tickets N      most tickets one buyer wants (4)
  --width N        people who are busy at the same time (300)
  --minutes M      the crowd goes home after this (10)
  --no-verify      leave out verify:event at the end`;

const theatrePlan = new URL('../../ops/demo/plans/theatre.json', import.meta.url);

function options() {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', multiple: true, default: ['http://localhost:3000'] },
      buyers: { type: 'string', default: '500' },
      event: { type: 'string' },
      seats: { type: 'string' },
      tickets: { type: 'string', default: '4' },
      width: { type: 'string', default: '300' },
      minutes: { type: 'string', default: '10' },
      'no-verify': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit(0);
  }
  const whole = (name: 'buyers' | 'seats' | 'tickets' | 'width', max: number): number => {
    const number = Number(values[name]);
    if (Number.isInteger(number) && number >= 1 && number <= max) return number;
    throw new Error(`--${name} must be a whole number from 1 to ${max}, not "${values[name]}".`);
  };
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 120)) throw new Error('--minutes must be above 0, at most 120.');
  return {
    urls: values.url,
    eventId: values.event,
    buyers: whole('buyers', 200_000),
    seats: values.seats === undefined ? undefined : whole('seats', 120_000),
    tickets: whole('tickets', 8),
    width: whole('width', 5_000),
    minutes,
    verify: !values['no-verify'],
  };
}

async function theSale(http: HttpClient, o: ReturnType<typeof options>): Promise<string> {
  if (o.eventId !== undefined) return o.eventId;
  const plan =
    o.seats === undefined
      ? (JSON.parse(await readFile(theatrePlan, 'utf8')) as ReturnType<typeof seatGrid>)
      : seatGrid(o.seats);
  return stageEvent(http, { title: `On-sale of ${new Date().toISOString()}`, plan });
}

async function chartOf(http: HttpClient, eventId: string): Promise<ChartView> {
  const event = expectStatus(
    await http.send<{ chartVersion: number }>('GET', `/v1/events/${eventId}`),
    200,
    `find event ${eventId}`,
  );
  const path = `/v1/events/${eventId}/charts/${event.chartVersion}`;
  return expectStatus(await http.send<ChartView>('GET', path), 200, 'read the chart');
}

/** Signs everybody up before the sale opens, as people do. */
async function gather(http: HttpClient, buyers: number): Promise<string[]> {
  const tokens: string[] = [];
  const run = Date.now().toString(36);
  await inParallel(buyers, 16, async (i) => {
    const session = await sessionFor(http, `buyer-${run}-${i}@onsale.example`);
    tokens[i] = session.accessToken;
    if ((i + 1) % 50 === 0) progress(`signing up: ${i + 1} of ${buyers}`);
  });
  progress(`signing up: ${buyers} of ${buyers}\n`);
  return tokens;
}

const progress = (text: string): boolean => process.stdout.write(`\r${text.padEnd(78)}`);

async function play(sale: Sale, tokens: readonly string[], width: number): Promise<number> {
  const started = performance.now();
  let done = 0;
  const show = (): boolean => {
    const { tally } = sale;
    const seconds = ((performance.now() - started) / 1_000).toFixed(0);
    return progress(
      `${seconds} s: ${done} of ${tokens.length} buyers done, ${tally.of('held')} held, ` +
        `${tally.of('confirmed')} confirmed, ${tally.refusals} refused`,
    );
  };
  const timer = setInterval(show, 1_000);
  await inParallel(tokens.length, width, async (i) => {
    await new Buyer(sale, `buyer-${i}`, tokens[i] as string).play();
    done++;
  });
  clearInterval(timer);
  show();
  process.stdout.write('\n');
  return (performance.now() - started) / 1_000;
}

/** `verify:event` as its own process, exactly as an operator runs it. */
function verify(eventId: string): Promise<boolean> {
  return new Promise((resolve) => {
    const script = new URL('../../ops/verify/verify-event.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, eventId, '--settled'], { stdio: 'inherit' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

async function main(): Promise<void> {
  const o = options();
  const http = new HttpClient(o.urls, Math.min(o.width, 512));
  const eventId = await theSale(http, o);
  const chart = await chartOf(http, eventId);
  const areaPlaces = chart.areas.reduce((sum, area) => sum + area.count, 0);
  console.log(`Event ${eventId}: ${chart.seats.length} seats, ${areaPlaces} standing places.`);
  const tokens = await gather(http, o.buyers);
  const tally = new Tally();
  const habits = { abandon: 0.3, decline: 0.05, cancel: 0.03, best: 0.5, ticketsMax: o.tickets };
  const until = Date.now() + o.minutes * 60_000;
  const seconds = await play({ http, eventId, chart, habits, tally, until }, tokens, o.width);
  console.log(`\n${tally.report(seconds)}\n`);
  for (const double of tally.doubles.slice(0, 20)) console.log(`DOUBLE BOOKING ${double}`);
  const verified = o.verify ? await verify(eventId) : true;
  await http.close();
  if (tally.doubles.length > 0 || !verified) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
