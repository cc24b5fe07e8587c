import { createHash } from 'node:crypto';
import { checkLedger, effective, type Entry } from '../../dev/oracle';

type Written = Entry['entry'];

const noRows = { read: 0, landed: 0, duplicate: 0, quarantined: 0, failures: {} };

/** A ledger of one partition, chained as the real one is. */
function ledgerOf(...entries: Partial<Written>[]): Entry[] {
  let previousHash = '';
  return entries.map((fields, index) => {
    const entry = { sequence: index + 1, previousHash, counts: noRows, files: [], ...fields } as Written;
    const bytes = Buffer.from(JSON.stringify(entry));
    previousHash = createHash('sha256').update(bytes).digest('hex');
    return { name: `${index + 1}.json`, bytes, entry };
  });
}

const range = (from: number, to: number) => [{ partition: 0, from: String(from), to: String(to) }];

test('offsets without gap or overlap are clean', () => {
  const ledger = ledgerOf({ ranges: range(0, 5) }, { ranges: range(5, 9), epoch: 1 });
  expect(checkLedger(ledger, { '0': '9' })).toEqual([]);
});

test.each([
  [
    'a gap',
    ledgerOf({ ranges: range(0, 5) }, { ranges: range(6, 9) }),
    '2.json has partition 0 from 6, not 5',
  ],
  [
    'an overlap',
    ledgerOf({ ranges: range(0, 5) }, { ranges: range(4, 9) }),
    '2.json has partition 0 from 4, not 5',
  ],
  ['an end too early', ledgerOf({ ranges: range(0, 8) }), 'partition 0 landed to 8, the topic has 9'],
  [
    'a changed entry',
    ledgerOf({ ranges: range(0, 5) }, { ranges: range(5, 9), previousHash: 'x' }),
    '2.json does not follow the one before it',
  ],
  [
    'an epoch that comes back',
    ledgerOf({ ranges: range(0, 5), epoch: 2 }, { ranges: range(5, 9), epoch: 1 }),
    '2.json is of epoch 1, after 2',
  ],
  [
    'orders landed before',
    ledgerOf({ ranges: range(0, 9), counts: { ...noRows, read: 1, duplicate: 1 } }),
    '1.json met 1 orders that had landed before',
  ],
  [
    'a failed batch',
    ledgerOf({ ranges: range(0, 9), parked: { type: 'Error', message: 'why' } }),
    '1.json failed: why',
  ],
  ['one that still is', ledgerOf({ ranges: range(0, 9), unlanded: [1] }), 'batch 1 is still a failed one'],
])('%s is told', (_what, ledger, message) => {
  expect(checkLedger(ledger, { '0': '9' })).toEqual([`ledger: ${message}`]);
});

test('after a reset an entry begins where the reset put it', () => {
  const reset = { from: { '0': '5' }, to: { '0': '7' }, reason: null, at: '' };
  const ledger = ledgerOf({ ranges: range(0, 5) }, { ranges: range(7, 9), resets: [reset] });
  expect(checkLedger(ledger, { '0': '9' })).toEqual([]);
});

test('a replay covers no new offsets, and its files stand for those of its batch', () => {
  const ledger = ledgerOf(
    { ranges: range(0, 5) },
    { ranges: range(5, 9) },
    { ranges: range(0, 5), supersedes: 1 },
    { ranges: range(0, 5), supersedes: 1 },
  );
  expect(checkLedger(ledger, { '0': '9' })).toEqual([]);
  expect(effective(ledger).map(({ name }) => name)).toEqual(['4.json', '2.json']);
});
