import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startGateway, type TestGateway } from '#test/support/gateway.ts';
import { authenticateToy, toyService, toysContract } from '#test/support/toys.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const runMs = 300;

/** A kept connection that sends bytes as they are and hands out whole answers. */
class Line {
  readonly #socket: Socket;
  #text = '';

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay();
    this.#socket.on('data', (bytes) => {
      this.#text += bytes.toString('latin1');
    });
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The next answer with its body; rejects after two seconds. */
  async answer(): Promise<string> {
    for (const until = Date.now() + 2_000; Date.now() < until; await pause(2)) {
      const bodyAt = this.#text.indexOf('\r\n\r\n') + 4;
      const length = Number(/content-length: (\d+)/i.exec(this.#text)?.[1]);
      if (bodyAt < 4 || this.#text.length < bodyAt + length) continue;
      const answer = this.#text.slice(0, bodyAt + length);
      this.#text = this.#text.slice(bodyAt + length);
      return answer;
    }
    throw new Error(`no whole answer: ${this.#text}`);
  }

  async ask(text: string): Promise<string> {
    this.send(text);
    return this.answer();
  }

  close(): void {
    this.#socket.destroy();
  }
}

const slow = (ms: number, headers = ''): string => {
  const body = JSON.stringify({ ms });
  const type = 'content-type: application/json';
  return `POST /v1/slow HTTP/1.1\r\nHost: a\r\n${type}\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
};

/** Answers of Node's HTTP server carry a date; those of the door do not. */
const byDoor = (answer: string): boolean => !/\r\ndate:/i.test(answer);

describe('connections that were refused', () => {
  let gateway: TestGateway;
  const lines: Line[] = [];
  let busy: Line;
  let line: Line;
  const open = (): Line => {
    const opened = new Line(gateway.port);
    lines.push(opened);
    return opened;
  };

  beforeAll(async () => {
    gateway = await startGateway({
      contracts: [toysContract],
      authenticate: authenticateToy,
      services: [toyService()],
      limits: { httpInFlightMax: 1 },
    });
  });
  afterAll(() => gateway.broker.stop());

  beforeEach(async () => {
    // Whatever an earlier test left running has ended by then.
    await pause(runMs + 50);
    for (const each of lines.splice(0)) each.close();
    busy = open();
    line = open();
    busy.send(slow(runMs));
    await pause(50);
    const first = await line.ask(slow(0));
    expect(first).toMatch(/^HTTP\/1.1 503 /);
    expect(byDoor(first)).toBe(false);
  });

  it('get the same refusal at the door as from the server', async () => {
    const other = open();
    const headers = 'X-Request-Id: mine\r\n';
    const [theirs, ours] = [await other.ask(slow(0, headers)), await line.ask(slow(0, headers))];
    expect([byDoor(theirs), byDoor(ours)]).toEqual([false, true]);
    const [, body] = ours.split('\r\n\r\n');
    expect(body).toBe(theirs.split('\r\n\r\n')[1]);
    for (const header of ['X-Request-Id: mine', 'Retry-After: 1', 'Cache-Control: no-store']) {
      expect(ours).toContain(`\r\n${header}\r\n`);
    }
    expect(ours).toMatch(
      /\r\nX-Content-Type-Options: nosniff\r\nContent-Type: application\/problem/,
    );
  });

  it('are served on the same connection as soon as there is room', async () => {
    expect(byDoor(await line.ask(slow(0)))).toBe(true);
    await busy.answer();
    const served = await line.ask(slow(0));
    expect(served).toMatch(/^HTTP\/1.1 200 /);
    expect(byDoor(served)).toBe(false);
    expect(await line.ask(slow(0))).toMatch(/^HTTP\/1.1 200 /);
  });

  it('wait for the next refusal where they ask again at once', async () => {
    const times: number[] = [];
    for (let i = 0; i < 3; i++) {
      const sentAt = performance.now();
      expect(await line.ask(slow(0))).toMatch(/^HTTP\/1.1 (503|200) /);
      times.push(performance.now() - sentAt);
    }
    // The second was refused soon after the first: the third is read when its time has passed.
    expect(times[2]).toBeGreaterThan(200);
  });

  it.each([
    ['an Origin, whose answer needs more headers', slow(0, 'Origin: http://b\r\n')],
    [
      'a body in chunks',
      slow(0)
        .replace(/content-length: \d+/, 'transfer-encoding: chunked')
        .replace('{"ms":0}', '8\r\n{"ms":0}\r\n0\r\n\r\n'),
    ],
    ['a wish to close', slow(0, 'Connection: close\r\n')],
    ['an address with fields', 'GET /v1/toys/1 HTTP/1.1\r\nHost: a\r\n\r\n'],
  ])('are left to the server with %s', async (_, text) => {
    expect(byDoor(await line.ask(text))).toBe(false);
  });

  it('are left to the server for good when a request comes in parts', async () => {
    const text = slow(0);
    line.send(text.slice(0, 40));
    await pause(20);
    expect(byDoor(await line.ask(text.slice(40)))).toBe(false);
    expect(byDoor(await line.ask(text))).toBe(false);
  });

  it('get one answer to each of two requests that come at once', async () => {
    line.send(slow(0) + slow(0));
    const answers = [await line.answer(), await line.answer()];
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1.1 503 /);
  });

  it('cannot hide a request in the body of another', async () => {
    const inner = slow(0);
    const head = `POST /v1/slow HTTP/1.1\r\nHost: a\r\ncontent-type: application/json\r\ncontent-length: ${inner.length}\r\n\r\n`;
    line.send(head);
    await pause(20);
    line.send(inner);
    expect(await line.answer()).toMatch(/^HTTP\/1.1 (400|503) /);
    await expect(line.answer()).rejects.toThrow('no whole answer: ');
  });
});
