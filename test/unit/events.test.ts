/** Which changes are logged, from what activities were asked and answered. */
import { eventsOf } from '../../activities/events';

const names = (activity: string, input: object, result: object = {}) =>
  eventsOf(activity, input, result).map(({ level, event, fields }) => ({ level, event, ...fields }));

const HOLD = { kind: 'table lock', who: 'pid 1', since: '2025-11-18T10:00:00Z' };
const idle = (heldBy: object | null) => ({ rows: 0, more: false, clock: '2025-11-18T10:00:00Z', heldBy });

test('who keeps rows from capture is told when it begins, changes and ends, and not at each poll', () => {
  expect(names('poll', { heldBy: null }, idle(HOLD))).toEqual([
    { level: 'warn', event: 'capture_blocked', ...HOLD },
  ]);
  expect(names('poll', { heldBy: HOLD }, idle(HOLD))).toEqual([]);
  expect(names('poll', { heldBy: HOLD }, idle(null))).toEqual([
    { level: 'info', event: 'capture_unblocked' },
  ]);
  expect(names('poll', { heldBy: null }, idle(null))).toEqual([]);
});

const MANIFEST = {
  files: [],
  quarantineFiles: [],
  counts: { read: 3, landed: 2, duplicate: 1, quarantined: 0, failures: {} },
};
const commit = (more: object) =>
  names('commitMicroBatch', { sequence: 9, manifest: MANIFEST, resets: [], ...more });

test('a batch is told by what became of it', () => {
  const counts = { read: 3, landed: 2, duplicate: 1, quarantined: 0, resets: undefined };
  expect(commit({})).toEqual([{ level: 'info', event: 'batch_landed', sequence: 9, ...counts }]);
  expect(commit({ supersedes: 4 })).toEqual([
    { level: 'info', event: 'batch_replayed', sequence: 9, ...counts, batch: 4 },
  ]);
  expect(commit({ supersedes: 4, withdrawn: {} })).toMatchObject([
    { level: 'warn', event: 'batch_withdrawn' },
  ]);
  expect(commit({ parked: { type: 'DataLoss', message: 'gone' } })).toEqual([
    { level: 'warn', event: 'batch_failed', sequence: 9, errorType: 'DataLoss', error: 'gone' },
  ]);
});

test('files that are found damaged are told once', () => {
  const one = { file: 'a' };
  expect(names('claimMicroBatch', { damaged: [] }, { damaged: [one] })).toEqual([
    { level: 'warn', event: 'files_damaged', files: 1, file: 'a' },
  ]);
  expect(names('claimMicroBatch', { damaged: [one] }, { damaged: [] })).toEqual([]);
  expect(names('claimMicroBatch', { damaged: [one] }, {})).toEqual([]);
});

test('an activity that changes nothing is told of by nobody', () => {
  expect(names('renewProgress', {}, {})).toEqual([]);
});
