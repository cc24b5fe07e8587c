import type { KafkaFacts } from '../../adapters/kafka/admin/inspect';
import { Findings } from '../../cli/doctor/finding';
import { examineBootstrap, examineInternal, examineReplicas } from '../../cli/doctor/kafka-replicas';
import { settingsSchema } from '../../configs/schema';

const three = ['a:9092', 'b:9092', 'c:9092'];

/** Grade and advice of the lines that a look leaves. */
function linesOf(look: (findings: Findings) => void): [string, string][] {
  const findings = new Findings('Kafka');
  look(findings);
  return findings.all.map(({ grade, toDo = '' }) => [grade, toDo]);
}

test.each([
  // replicas, in sync, min.insync.replicas, brokers
  [3, 3, '2', 3, 'fine', /^$/],
  [3, 2, '2', 3, 'warning', /one more away, and nothing can be published/],
  [3, 2, '1', 3, 'warning', /^bring the missing brokers back$/],
  [3, 1, '2', 3, 'broken', /nothing can be published/],
  [3, 3, '1', 3, 'warning', /min.insync.replicas to 2/],
  [3, 3, '3', 3, 'warning', /one broker away, and nothing can be published: set min.insync.replicas to 2/],
  [2, 2, '2', 3, 'warning', /one broker away.*reassign the topic to 3 replicas/],
  [1, 1, '2', 3, 'warning', /reassign the topic to 3 replicas: one lost disk/],
  [1, 1, '1', 1, 'fine', /^$/],
])(
  'a topic with %i replicas, %i in sync, min.insync.replicas %s, on %i brokers: %s',
  (replicas, inSync, needed, brokers, grade, advice) => {
    const lines = linesOf((findings) =>
      examineReplicas(
        findings,
        { partitions: 3, replicas, inSync },
        { brokers, topicConfig: { 'min.insync.replicas': needed } },
      ),
    );
    expect(lines).toEqual([[grade, expect.stringMatching(advice)]]);
  },
);

test('unclean elections are warned of', () => {
  const topicConfig = { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'true' };
  const lines = linesOf((findings) =>
    examineReplicas(findings, { partitions: 3, replicas: 3, inSync: 3 }, { brokers: 3, topicConfig }),
  );
  expect(lines[1]).toEqual(['warning', expect.stringMatching(/unclean.leader.election.enable to false/)]);
});

test('Kafka’s own topics with one copy on several brokers are warned of', () => {
  const one = { partitions: 50, replicas: 1, inSync: 1 };
  const facts = { brokers: three, internal: { __transaction_state: one } } as unknown as KafkaFacts;
  expect(linesOf((findings) => examineInternal(findings, facts))).toEqual([
    ['warning', expect.stringMatching(/reassign it to 3 replicas/)],
  ]);
  const alone = { ...facts, brokers: ['a:9092'] };
  expect(linesOf((findings) => examineInternal(findings, alone))).toEqual([['fine', '']]);
});

test('the address of one of several brokers is too little to begin with, a name for all of them is not', () => {
  const { kafka } = settingsSchema.parse({});
  const facts = { brokers: three } as unknown as KafkaFacts;
  const named = (...brokers: string[]) =>
    linesOf((findings) => examineBootstrap(findings, { ...kafka, brokers }, facts)).length;
  expect([named('a:9092'), named('a:9092', 'b:9092'), named('kafka.example:9092')]).toEqual([1, 0, 0]);
});
