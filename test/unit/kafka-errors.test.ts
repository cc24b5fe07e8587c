import { createErrorFromCode } from 'kafkajs/src/protocol/error';
import { checkCode, explain, kindOf } from '../../adapters/kafka/transport/errors';

const AT = { brokers: ['a:1'], topic: 'orders', numPartitions: 3, replicationFactor: 1 };

/** The codes of Kafka 4.1, but for 0. */
const CODES = [-1, ...Array.from({ length: 133 }, (_, index) => index + 1)];

/** What Metadata, FindCoordinator, InitProducerId, AddPartitionsToTxn, Produce, AddOffsetsToTxn, TxnOffsetCommit, OffsetFetch and EndTxn answer. */
const OF_A_PUBLISH = [
  ...[
    -1, 2, 3, 5, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24, 25, 27, 28, 29, 30, 31, 32, 35,
  ],
  ...[
    42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 55, 56, 59, 72, 74, 75, 76, 78, 82, 87, 88, 89, 90, 100,
    103,
  ],
  120,
];

const shown = (code: number) => explain(createErrorFromCode(code), 'publishing', AT).message;

test('every code of Kafka 4.1 is shown with its name, never as a number', () => {
  const names = CODES.map((code) => kindOf(createErrorFromCode(code)));
  expect(new Set(names).size).toBe(CODES.length);
  for (const [index, code] of CODES.entries()) {
    expect(names[index]).toMatch(/^[A-Z][A-Z_]+$/);
    expect(shown(code)).toContain(`(${names[index]})`);
    expect(shown(code)).not.toMatch(/KAFKAJS|Unknown error code|\(UNKNOWN\)/);
  }
  // The ends of the list of those that kafkajs does not know, and one in its middle.
  expect([89, 103, 113, 120, 133].map((code) => kindOf(createErrorFromCode(code)))).toEqual([
    'THROTTLING_QUOTA_EXCEEDED',
    'INCONSISTENT_TOPIC_ID',
    'STALE_MEMBER_EPOCH',
    'TRANSACTION_ABORTABLE',
    'SHARE_SESSION_LIMIT_REACHED',
  ]);
  expect(shown(134)).toContain('error code 134 of a Kafka newer than 4.1');
});

test('every code that a publish may get says what to look at', () => {
  const silent = OF_A_PUBLISH.filter((code) => !/\([A-Z_]+\): ./.test(shown(code)));
  expect(silent).toEqual([]);
});

test('code 0 is success, any other is thrown', () => {
  expect(() => checkCode(0)).not.toThrow();
  expect(() => checkCode(87)).toThrow('failed the validation');
});
