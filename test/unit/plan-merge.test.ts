/** Which files are merged: few rewrites, never many small files, and none that must stay apart. */
import { planMerge, type Mergeable } from '../../domain/plan-merge';

const TARGET = 128 * 1024 * 1024;
const file = (batch: number, bytes = 5_000, to = batch): Mergeable => ({
  path: `date=2025-11-18/${batch}`,
  bytes,
  batches: [[batch, to]],
});
const options = { targetBytes: TARGET, quiet: false };

test('a day of small batches never has 180 files, a row is rewritten at most five times, and once it is quiet few are left', () => {
  let live: (Mergeable & { rewrites: number })[] = [];
  let most = 0;
  const merge = (quiet: boolean) => {
    for (;;) {
      const inputs = planMerge(live, { ...options, quiet });
      if (inputs === undefined) return;
      // zstd makes a third of what small files need.
      const bytes = inputs.reduce((sum, one) => sum + (one.rewrites === 0 ? one.bytes / 3 : one.bytes), 0);
      const rewrites = 1 + Math.max(...inputs.map((one) => one.rewrites));
      const first = inputs[0]!.batches[0]![0];
      live = live.filter((one) => !inputs.includes(one));
      live.push({ ...file(first, Math.ceil(bytes)), rewrites });
    }
  };
  for (let batch = 1; batch <= 100_000; batch += 1) {
    live.push({ ...file(batch), rewrites: 0 });
    most = Math.max(most, live.length);
    if (batch % 16 === 0) merge(false);
  }
  expect(most).toBeLessThan(180);
  expect(Math.max(...live.map(({ rewrites }) => rewrites))).toBeLessThanOrEqual(5);
  merge(true);
  expect(live.length).toBeLessThan(10);
});

test('what is large, few or alone stays', () => {
  expect(planMerge([], options)).toBeUndefined();
  expect(
    planMerge(
      [1, 2, 3, 4].map((batch) => file(batch)),
      { ...options, quiet: true },
    ),
  ).toBeUndefined();
  expect(
    planMerge(
      Array.from({ length: 20 }, (_, at) => file(at + 1, TARGET / 2)),
      { ...options, quiet: true },
    ),
  ).toBeUndefined();
});

test('a merge holds no more than the target and a thousand files, the oldest first', () => {
  const small = Array.from({ length: 1_500 }, (_, at) => file(1_500 - at));
  const chosen = planMerge(small, options);
  expect(chosen).toHaveLength(1_000);
  expect(chosen?.[0]?.batches).toEqual([[1, 1]]);
  const large = Array.from({ length: 8 }, (_, at) => file(at + 1, TARGET / 4));
  expect(planMerge(large, options)).toHaveLength(4);
});

test('files of batches before and after one are kept apart, and those that hold both are left alone', () => {
  const both = { ...file(1), batches: [[90, 110]] } as Mergeable;
  const files = [both, ...Array.from({ length: 10 }, (_, at) => file(96 + at))];
  const plan = (apart: number) =>
    planMerge(files, { ...options, quiet: true, apart })?.map(({ batches }) => batches[0]?.[0]);
  expect(plan(101)).toEqual([96, 97, 98, 99, 100]);
  expect(plan(200)).toHaveLength(11);
});
