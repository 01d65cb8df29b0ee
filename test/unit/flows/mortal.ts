/** What happens to a worker at one of its calls. */
export type Fate =
  /** Its process dies before the call has its effect, or before the answer arrives. */
  | { readonly at: number; readonly does: 'die-before' | 'die-after' }
  /** The call, or its answer, is held up until `until` resolves. */
  | {
      readonly at: number;
      readonly does: 'pause-before' | 'pause-after';
      readonly until: Promise<void>;
    };

/** Counts the calls of a worker to its ports and lets its fate come true. */
export class Mortal {
  readonly #fate: Fate | undefined;
  calls = 0;
  dead = false;

  constructor(fate?: Fate) {
    this.#fate = fate;
  }

  wrap<T extends object>(port: T): T {
    return new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => this.#call(async () => Reflect.apply(member, target, args));
      },
    });
  }

  async #call(effect: () => Promise<unknown>): Promise<unknown> {
    if (this.dead) throw new Error('dead');
    if (++this.calls !== this.#fate?.at) return effect();
    switch (this.#fate.does) {
      case 'die-before':
        this.dead = true;
        throw new Error('killed');
      case 'die-after':
        this.dead = true;
        await effect().catch(() => undefined);
        throw new Error('killed');
      case 'pause-before':
        await this.#fate.until;
        return effect();
      case 'pause-after': {
        const answer = effect();
        answer.catch(() => undefined);
        await this.#fate.until;
        return answer;
      }
    }
  }
}
