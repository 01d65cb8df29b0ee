import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { spellUlid } from '#domain/ids.ts';
import { Deadlines, type Due } from '#domain/inventory/deadlines.ts';
import { EndedHolds } from '#domain/inventory/ended.ts';
import { KeyTable } from '#domain/inventory/keys.ts';
import { limits } from '#domain/limits.ts';

const ulid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(spellUlid);

describe('a table of keys', () => {
  it('gives every id one number and the id back, usual or not', () => {
    const id = fc.oneof(
      ulid.map((text) => `usr_${text}`),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.uniqueArray(id, { maxLength: 200 }), (ids) => {
        const table = new KeyTable('usr_');
        const numbers = ids.map((each) => table.add(each));
        expect(new Set(numbers).size).toBe(ids.length);
        expect(ids.map((each) => table.numberOf(each))).toEqual(numbers);
        expect(ids.map((each) => table.add(each))).toEqual(numbers);
        expect(numbers.map((n) => table.idOf(n))).toEqual(ids);
        expect(table.numberOf('usr_never')).toBe(-1);
      }),
    );
  });

  it('forgets what is removed and nothing else', () => {
    const steps = fc.array(fc.tuple(fc.nat(40), fc.boolean()), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (list) => {
        const table = new KeyTable('usr_');
        const model = new Set<string>();
        for (const [n, add] of list) {
          const id = n % 5 === 0 ? `odd ${n}` : `usr_${spellUlid(new Uint8Array(16).fill(n))}`;
          if (add) {
            table.add(id);
            model.add(id);
          } else if (model.delete(id)) {
            table.remove(table.numberOf(id));
          }
          expect(table.size).toBe(model.size);
          for (const each of model) expect(table.idOf(table.numberOf(each))).toBe(each);
        }
      }),
    );
  });
});

describe('deadlines', () => {
  it('come in order whatever is added, moved and removed', () => {
    const step = fc.tuple(fc.nat(2), fc.nat(20), fc.nat(100));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const heap = new Deadlines<Due>();
        const model: Due[] = [];
        for (const [kind, which, time] of steps) {
          const item = model[which % Math.max(1, model.length)];
          if (kind === 0 || item === undefined) {
            const added = { deadline: time, order: model.length, heapAt: -1 };
            model.push(added);
            heap.add(added);
          } else if (kind === 1) {
            item.deadline += time;
            heap.moved(item);
          } else {
            heap.remove(item);
            model.splice(model.indexOf(item), 1);
          }
          const first = Math.min(...model.map((each) => each.deadline));
          expect(heap.first()?.deadline).toBe(model.length === 0 ? undefined : first);
          const due: Due[] = [];
          heap.due(60, (each) => due.push(each) > 0);
          const expected = model.filter((each) => each.deadline <= 60);
          expect(new Set(due)).toEqual(new Set(expected));
          expect(due.map((each) => each.deadline)).toEqual(
            expected.map((each) => each.deadline).sort((a, b) => a - b),
          );
        }
      }),
    );
  });
});

describe('ended holds', () => {
  it('are forgotten after an hour and beyond a number per buyer, the oldest first', () => {
    const step = fc.tuple(fc.nat(2), fc.nat(limits.holdMemoryMs / 40));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
        const ended = new EndedHolds('rsv_');
        let model: { holdId: string; buyer: number; at: number }[] = [];
        let at = 0;
        for (const [i, [buyer, ms]] of steps.entries()) {
          at += ms;
          ended.forget(at);
          const holdId = `rsv_${spellUlid(new Uint8Array(16).fill(i % 251).fill(i >> 3, 8))}`;
          if (model.some((each) => each.holdId === holdId)) continue;
          ended.add(holdId, { how: 'released', buyer, seq: i, at });
          model = model.filter((each) => each.at + limits.holdMemoryMs > at);
          model.push({ holdId, buyer, at });
          const [oldest, ...rest] = model.filter((each) => each.buyer === buyer);
          if (rest.length < limits.holdMemoryPerBuyer) continue;
          model = model.filter((each) => each !== oldest);
        }
        const left = [...ended.entries()].map(({ holdId, buyer, at: when }) => ({
          holdId,
          buyer,
          at: when,
        }));
        expect(left).toEqual(model);
        expect(ended.size).toBe(model.length);
        for (const { holdId } of model) expect(ended.find(holdId)?.how).toBe('released');
      }),
    );
  });
});
