import { bookings } from '#test/mutants/bookings.ts';
import { bundles } from '#test/mutants/bundles.ts';
import type { Mutant } from '#test/mutants/mutant.ts';
import { one } from '#test/mutants/mutant.ts';
import { refunds } from '#test/mutants/refunds.ts';

const seats: readonly Mutant[] = [
  one(
    'no fencing',
    'actors/writer.ts',
    "if (found !== undefined) return { kind: 'fenced', owner: found.node };",
    "if (found !== undefined) return { kind: 'committed' };",
  ),
  one(
    'answers before the commit',
    'actors/event-actor.ts',
    'if (this.#endedBy(await journal.write(entry))) return;\n    this.#deltas',
    'answerBatch(batch);\n    if (this.#endedBy(await journal.write(entry))) return;\n    this.#deltas',
  ),
  one(
    'a refusal from a stale owner',
    'actors/event-actor.ts',
    'else if (await this.#verify()) answerBatch(batch);',
    'else answerBatch(batch);',
  ),
  one(
    'an expiry that frees a sold seat',
    'domain/inventory/evolve.ts',
    'if (live !== undefined) removeLive(state, live);',
    '',
  ),
  one(
    'no idempotency',
    'domain/inventory/decide-hold.ts',
    'if (again !== undefined) return again;',
    '',
  ),
  one(
    'a released hold can be sold',
    'domain/inventory/evolve.ts',
    "if (how === 'expired' && ended.pinnedBy !== null)",
    'if (ended.pinnedBy !== null)',
  ),
  one(
    'a retry at another seq under the same facts',
    'actors/writer.ts',
    "    if (stopped()) return { kind: 'stopped' };\n    await clock.sleep(waitMs);\n" +
      "    if (stopped()) return { kind: 'stopped' };\n  }\n}\n\n/**\n * Rule 5",
    '    entry = { ...entry, seq: entry.seq + 1 };\n    await clock.sleep(waitMs);\n' +
      '  }\n}\n\n/**\n * Rule 5',
  ),
  one(
    'an error is taken for an acknowledgement',
    'actors/writer.ts',
    '      // The error decides nothing: only what a majority read shows does.',
    "      return { kind: 'committed' };",
  ),
  {
    name: 'an emptied entry is read as no facts',
    changes: [
      {
        file: 'actors/restore.ts',
        find: 'entry.seq !== done + 1 || entry.compacted === true',
        replace: 'entry.seq !== done + 1',
      },
      {
        file: 'actors/entries.ts',
        find: 'factsIn(entry.facts, entry)',
        replace: "factsIn(entry.facts || '[]', entry)",
      },
    ],
  },
  one(
    'a version gap is accepted',
    'domain/inventory/decide-terms.ts',
    'if (state.terms === undefined || version > state.version + 1) return gap(state, version);',
    'if (state.terms === undefined) return gap(state, version);',
  ),
  one(
    'an expired hold is freed in part',
    'domain/inventory/evolve.ts',
    'for (const place of gone.places) {',
    'for (const place of gone.places.slice(0, 2)) {',
  ),
  one(
    'a forgotten refusal to sell',
    'domain/inventory/evolve.ts',
    'state.sales.refuse(fact.booking, fact.reason);',
    '',
  ),
  {
    name: 'a hold lives on beyond its deadline',
    changes: [
      {
        file: 'domain/inventory/state.ts',
        find: 'hold.deadline <= now;',
        replace: 'hold.deadline + 60_000 <= now;',
      },
      {
        file: 'domain/inventory/deadlines.ts',
        find: 'item.deadline > now',
        replace: 'item.deadline + 60_000 > now',
      },
    ],
  },
  one(
    'a claim in the old epoch',
    'actors/claim.ts',
    'const epoch = (head?.epoch ?? 0) + 1;',
    'const epoch = head?.epoch ?? 1;',
  ),
  one(
    'unsell takes seats that the sale has no more',
    'domain/inventory/decide-sale.ts',
    'state.owners[place] === -(sale + 1) && (named?.has(place) ?? true)',
    'named?.has(place) ?? true',
  ),
  one(
    'a snapshot forgets ended holds',
    'domain/inventory/snapshot.ts',
    'for (const { holdId, ...ended } of head.ended) state.ended.add(holdId, ended);',
    '',
  ),
  one(
    'a view without the last change of a batch',
    'domain/inventory/view.ts',
    'return fact.places.map((place) => [place, status.reserved]);',
    'return fact.places.slice(1).map((place) => [place, status.reserved]);',
  ),
  one(
    'a lapsed hold takes back what another has',
    'domain/inventory/decide-sale.ts',
    'const take = hold.places.every(free)',
    'const take = hold.places.length > 0',
  ),
  {
    name: 'a snapshot with a batch in flight',
    changes: [
      {
        file: 'actors/event-actor.ts',
        find: 'if (this.#tail?.long === true) this.#snapshot();',
        replace: '',
      },
      {
        file: 'actors/event-actor.ts',
        find: 'if (this.#endedBy(await journal.write(entry))) return;\n    this.#deltas',
        replace:
          'if (this.#tail?.long === true) this.#snapshot();\n' +
          '    if (this.#endedBy(await journal.write(entry))) return;\n    this.#deltas',
      },
    ],
  },
  one(
    'a claim that trusts the clock and writes nothing',
    'actors/claim.ts',
    'const written = await writeEntry(deps, entry, stopped);',
    "const written = { kind: 'committed' as string };",
  ),
  one(
    'the directory is trusted for the head',
    'actors/claim.ts',
    'const head = await deps.journal.head(eventId);',
    'const row = await deps.directory.find(eventId);\n' +
      '    const head = row === undefined ? await deps.journal.head(eventId)\n' +
      '      : await deps.journal.read(eventId, row.seq);',
  ),
  one(
    'facts are split instead of commands',
    'actors/event-actor.ts',
    'if (!journal.canStore(entry)) return this.#split(batch);',
    'if (!journal.canStore(entry)) {\n' +
      '      const half = batch.facts.slice(0, Math.ceil(batch.facts.length / 2));\n' +
      '      if (this.#endedBy(await journal.write(journal.entry(half, batch.at)))) return;\n' +
      '      return answerBatch(batch);\n' +
      '    }',
  ),
  one(
    'a hold without a pin is sold after its deadline',
    'domain/inventory/evolve.ts',
    "if (how === 'expired' && ended.pinnedBy !== null)",
    "if (how === 'expired')",
  ),
  one(
    'a second answer to a booking',
    'domain/inventory/decide-sale.ts',
    "if (reason !== undefined) return accept({ outcome: 'refused', reason });",
    '',
  ),
  one(
    'a late pin keeps a hold for a booking that has ended',
    'domain/inventory/decide-held.ts',
    "if (state.sales.refusalOf(bookingId) !== undefined) return refuse('state-forbids');",
    '',
  ),
  one(
    'a repeated extension extends again',
    'domain/inventory/decide-held.ts',
    'if (live.extendedBy === id) return accept(viewOf(state, live));',
    '',
  ),
  one(
    'bodies above the snapshot are emptied',
    'actors/upkeep.ts',
    'const upTo = Math.min(actor.snapshotSeq, actor.seq - 1);',
    'const upTo = actor.seq - 1;',
  ),
  one(
    'a snapshot forgets refusals to sell',
    'domain/inventory/snapshot.ts',
    'sales.refused.load(words(5), head.odd.refused);',
    '',
  ),
  one(
    'time goes back with the server',
    'actors/claim.ts',
    'at: Math.max(deps.members.serverNow(), head?.at ?? 0),',
    'at: deps.members.serverNow(),',
  ),
  one(
    'a removed seat is free again when its hold ends',
    'domain/inventory/evolve.ts',
    'setStatus(state, place, freedStatus(state, place));\n  }\n  state.holds.delete',
    'setStatus(state, place, status.available);\n  }\n  state.holds.delete',
  ),
  one(
    'a refusal to sell does not end the pin',
    'domain/inventory/evolve.ts',
    'if (live?.pinnedBy === fact.booking) live.pinnedBy = null;',
    '',
  ),
];

export const mutants: readonly Mutant[] = [...seats, ...bookings, ...bundles, ...refunds];
