import { opened, polled, warningsOf } from '../../workflows/capture/state';

const WATERMARK = { createdAt: '2025-11-18T00:00:00.000000Z', orderId: '1' };
const POLL = { rows: 0, more: false, clock: WATERMARK.createdAt, heldBy: null };

test('what a poll has to say of the table replaces what was said of it, and nothing of the topic', () => {
  const state = opened({
    sequence: 0,
    watermark: WATERMARK,
    startedFrom: 'progress record',
    warnings: ['no index'],
    topicWarnings: ['compaction'],
  });
  expect(warningsOf(state)).toEqual(['no index', 'compaction']);
  expect(warningsOf(polled(state, POLL))).toEqual(['no index', 'compaction']);
  expect(warningsOf(polled(state, { ...POLL, warnings: [] }))).toEqual(['compaction']);
});
