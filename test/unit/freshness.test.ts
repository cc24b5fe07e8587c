/** Where the time of the last batches went, and in which words it is told. */
import { batchTimes, describeFreshness, freshnessOf, windowTimes } from '../../domain/freshness';

const CLOCK = '2025-11-18T10:00:10.000000Z';
const OLDEST = '2025-11-18T10:00:07.500000Z';

describe('a window', () => {
  test('waited behind a transaction, behind older rows, or until a poll saw it', () => {
    const found = { clock: CLOCK, oldest: OLDEST, more: false };
    expect(windowTimes(found, 300)).toEqual({ held: 0, backlog: 0, wait: 2.5, publish: 0.3 });
    expect(windowTimes({ ...found, heldSeconds: 2.2 }, 300)).toEqual({
      held: 2.2,
      backlog: 0,
      wait: 0.3,
      publish: 0.3,
    });
    expect(windowTimes({ ...found, heldSeconds: 1, more: true }, 0)).toEqual({
      held: 1,
      backlog: 1.5,
      wait: 0,
      publish: 0,
    });
  });

  test('whose created_at is ahead of the clock waited for nothing, not for less', () => {
    const found = { clock: OLDEST, oldest: CLOCK, heldSeconds: 3, more: false };
    expect(windowTimes(found, -1)).toEqual({ held: 0, backlog: 0, wait: 0, publish: 0 });
  });

  test('of a worker of an earlier version tells nothing', () => {
    expect(windowTimes({ clock: CLOCK, more: false }, 300)).toBeUndefined();
  });
});

describe('a batch', () => {
  const created = Date.parse(OLDEST);
  const moments = {
    created: OLDEST,
    sent: created + 400,
    begun: created + 500,
    landed: created + 1_700,
    committed: created + 1_750,
    more: false,
  };

  test('has parts that add up to its age', () => {
    expect(batchTimes(moments)).toEqual({ capture: 0.4, backlog: 0, claim: 0.1, land: 1.2, commit: 0.05 });
    expect(batchTimes({ ...moments, more: true })).toMatchObject({ backlog: 0.1, claim: 0 });
  });

  test('has none below 0 where clocks differ', () => {
    const skewed = { ...moments, sent: created - 5_000, begun: created - 9_000, landed: created - 9_000 };
    expect(batchTimes(skewed)).toMatchObject({ capture: 0, claim: 0, land: 0 });
  });
});

describe('the last batches', () => {
  const at = (land: number) => ({ capture: 0.2, backlog: 0, claim: 0.1, land, commit: 0.1 });

  test('are summed up by the middle and the slowest, with what took most of that', () => {
    expect(freshnessOf([at(0.1), at(1.6), at(0.3)])).toEqual({
      batches: 3,
      total: { p50: 0.7, max: 2 },
      parts: {
        capture: { p50: 0.2, max: 0.2 },
        backlog: { p50: 0, max: 0 },
        claim: { p50: 0.1, max: 0.1 },
        land: { p50: 0.3, max: 1.6 },
        commit: { p50: 0.1, max: 0.1 },
      },
      mostly: { part: 'land', seconds: 1.6 },
    });
  });

  test('blame nothing where nothing took more than half, and are not told of where there are none', () => {
    expect(freshnessOf([at(0.4)])?.mostly).toBeUndefined();
    expect(freshnessOf([])).toBeUndefined();
    expect(freshnessOf(undefined)).toBeUndefined();
  });

  const words = (times: Parameters<typeof freshnessOf>[0]) =>
    describeFreshness(freshnessOf(times), { one: 'batch', many: 'batches', where: 'in the lake' });

  test('are one line', () => {
    expect(words([at(0.1), at(1.6)])).toEqual([
      'last 2 batches: oldest order in the lake after 0.5 s (p50), at most 2.0 s, 1.6 s of it in landing',
    ]);
    expect(words([at(0.4)])).toEqual([
      'last batch: oldest order in the lake after 0.8 s (p50), at most 0.8 s',
    ]);
    expect(words([])).toEqual([]);
  });

  test.each([
    [119, '119.0 s'],
    [600, '10 min'],
    [10_000, '3 h'],
    [2_000_000, '23 days'],
  ])('of which one took %d s say %s', (seconds, text) => {
    const window = { held: seconds, backlog: 0, wait: 0, publish: 0 };
    expect(words([window])[0]).toContain(`${text} of it behind an open transaction or a lock`);
  });
});
