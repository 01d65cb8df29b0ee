import { type ClaimDeps, type Claimed, claim } from '#actors/claim.ts';
import { UnknownFormat } from '#actors/entries.ts';
import type { EventActor } from '#actors/event-actor.ts';
import { type Refusal, refusal } from '#actors/mailbox.ts';
import { OwnJournal } from '#actors/own-journal.ts';
import { restore, Superseded } from '#actors/restore.ts';
import type { Snapshots } from '#adapters/journal/port.ts';
import type { Fact } from '#domain/inventory/facts.ts';
import type { Limits } from '#domain/limits.ts';

export type OpeningDeps = ClaimDeps & {
  readonly snapshots: Snapshots;
  readonly limits: Limits;
  /** Whether this node may own now: not while it drains, is cut off or has a wrong clock. */
  readonly mayOwn: () => boolean;
  /** Who else should own the event; null: nobody is there. */
  readonly otherOwner: (eventId: string) => string | null;
  readonly serverNow: () => number;
  readonly report: (problem: string, data: Record<string, unknown>) => void;
};

/**
 * Claims the actor's event and gives it its state, or ends the actor with the answer that all who
 * wait get: `moved`, `not-found` or `unavailable`. Never rejects.
 */
export async function openActor(deps: OpeningDeps, actor: EventActor): Promise<void> {
  const { eventId } = actor;
  try {
    const position = await take(deps, actor);
    if ('code' in position) return actor.close(position);
    actor.claimedEpoch = position.epoch;
    await serve(deps, actor, position);
  } catch (error) {
    if (error instanceof Superseded) return actor.close(refusal('moved'));
    deps.report('an event could not be opened', { eventId, error });
    actor.close(refusal('unavailable'));
  }
}

/** Restores while the directory is told; serves when both are done. */
async function serve(deps: OpeningDeps, actor: EventActor, claimed: Claimed): Promise<void> {
  const { eventId } = actor;
  const { live, ...position } = claimed;
  const restoring = restore(deps, eventId, position.seq);
  restoring.catch(() => {});
  if (!(await live)) {
    deps.report('an event could not be claimed', { eventId, why: 'directory unanswered' });
    return actor.close(refusal('unavailable'));
  }
  try {
    actor.serve({ ...(await restoring), ...position });
  } catch (error) {
    if (error instanceof UnknownFormat) await giveBack(deps, eventId, claimed);
    throw error;
  }
}

/** An event that this version cannot read goes back to whoever can. */
async function giveBack(deps: OpeningDeps, eventId: string, claimed: Claimed): Promise<void> {
  const journal = new OwnJournal(eventId, deps, claimed);
  const fact: Fact = { type: 'handed-over', to: null };
  await journal.write(journal.entry([JSON.stringify(fact)], journal.now()));
}

async function take(deps: OpeningDeps, actor: EventActor): Promise<Claimed | Refusal> {
  const { eventId } = actor;
  const { clock, limits, mayOwn } = deps;
  const until = clock.monotonic() + limits.callTimeoutMs;
  const outcome = await claim(deps, {
    eventId,
    mayCreate: () => actor.mailbox.some((command) => command.kind === 'open'),
    mayOwn,
    stopped: () => actor.phase === 'closed' || clock.monotonic() > until,
  });
  switch (outcome.kind) {
    case 'claimed':
      return outcome;
    case 'moved':
      return refusal('moved', { owner: outcome.owner });
    case 'not-found':
      return refusal('not-found');
    case 'unowned': {
      const owner = deps.otherOwner(eventId);
      return owner === null ? refusal('unavailable') : refusal('moved', { owner });
    }
    case 'unavailable':
      deps.report('an event could not be claimed', { eventId, why: outcome.why });
      return refusal('unavailable');
  }
}
