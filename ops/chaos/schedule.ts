/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const between = (random: () => number, least: number, most: number): number =>
  least + random() * (most - least);

export type Round = {
  /** One fault, now and then two at the same time. */
  readonly faults: readonly string[];
  /** How hard it is, from 0 to 1: what that means depends on the fault. */
  readonly force: number;
  /** Picks the target. */
  readonly pick: number;
  readonly quietMs: number;
};

const pairShare = 0.2;

/**
 * The rounds of a run, without an end. Faults come from a deck that is shuffled again when it is
 * used up, so that each fires about equally often.
 */
export function* schedule(
  names: readonly string[],
  seed: number,
  quietMs: readonly [number, number],
) {
  const random = randomOf(seed);
  let deck: string[] = [];
  const draw = (): string => {
    if (deck.length === 0) deck = shuffled(names, random);
    return deck.pop() ?? '';
  };
  for (;;) {
    const first = draw();
    const second = random() < pairShare ? draw() : first;
    const round: Round = {
      faults: second === first ? [first] : [first, second],
      force: random(),
      pick: random(),
      quietMs: Math.round(between(random, ...quietMs)),
    };
    yield round;
  }
}

function shuffled(names: readonly string[], random: () => number): string[] {
  const deck = [...names];
  for (let i = deck.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [deck[i], deck[j]] = [deck[j] as string, deck[i] as string];
  }
  return deck;
}
