import { lagOf, offsetsAfter, planRanges } from '../../domain/plan-ranges';
import { formatRanges, spanOf } from '../../domain/ranges';

test('a backlog below the limit is claimed whole; partitions without news are left out', () => {
  expect(planRanges({ 0: '10', 1: '5', 2: '0' }, { 0: '13', 1: '5', 2: '1' }, 100)).toEqual([
    { partition: 0, from: '10', to: '13' },
    { partition: 2, from: '0', to: '1' },
  ]);
});

test('the limit is shared evenly, and what a short partition leaves goes to the long ones', () => {
  const ranges = planRanges({ 0: '0', 1: '0', 2: '0' }, { 0: '1000', 1: '10', 2: '1000' }, 100);
  expect(ranges).toEqual([
    { partition: 0, from: '0', to: '45' },
    { partition: 1, from: '0', to: '10' },
    { partition: 2, from: '0', to: '45' },
  ]);
  expect(spanOf(ranges)).toBe(100);
});

test('with a limit below the number of partitions it still advances', () => {
  const ranges = planRanges({ 0: '0', 1: '0', 2: '0' }, { 0: '9', 1: '9', 2: '9' }, 1);
  expect(spanOf(ranges)).toBe(1);
});

test('a backlog is claimed without gap or overlap, however it is cut', () => {
  const stable = { 0: '1003', 1: '77', 2: '0' };
  const next = { 0: '3', 1: '0', 2: '0' };
  let [place, claimed] = [next as Record<string, string>, 0];
  for (
    let ranges = planRanges(place, stable, 64);
    ranges.length > 0;
    ranges = planRanges(place, stable, 64)
  ) {
    for (const { partition, from } of ranges) expect(from).toBe(place[partition]);
    claimed += spanOf(ranges);
    place = offsetsAfter(place, ranges);
  }
  expect(place).toEqual(stable);
  expect(claimed).toBe(lagOf(next, stable));
});

test('offsets beyond 2^53 stay exact', () => {
  const from = '9007199254740993';
  expect(planRanges({ 0: from }, { 0: '9007199254740995' }, 1)).toEqual([
    { partition: 0, from, to: '9007199254740994' },
  ]);
});

test('a partition whose log looks shorter than what was read is no negative lag', () => {
  expect(lagOf({ 0: '10' }, { 0: '4' })).toBe(0);
  expect(planRanges({ 0: '10' }, { 0: '4' }, 5)).toEqual([]);
});

test('ranges as a person reads them', () => {
  expect(
    formatRanges([
      { partition: 0, from: '1', to: '4' },
      { partition: 2, from: '0', to: '9' },
    ]),
  ).toBe('0: 1..4, 2: 0..9');
});
