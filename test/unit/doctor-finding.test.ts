import { Findings } from '../../cli/doctor/finding';
import { NonRetryableError } from '../../domain/errors';

test('what `orders doctor --json` prints of a finding has the fields that 0.3.0 printed', async () => {
  const findings = new Findings('Kafka');
  findings.fine('brokers', 'one');
  findings.broken('topic', 'is missing', 'create it');
  await findings.look('rights', 'try again', () =>
    Promise.reject(new NonRetryableError('TopicMismatch', 'too few partitions')),
  );
  await findings.look('leaders', 'try again', () => Promise.reject(new Error('away')));
  const [fine, broken, refused, away] = JSON.parse(JSON.stringify(findings.all)) as object[];
  expect(fine).toEqual({ server: 'Kafka', about: 'brokers', grade: 'fine', found: 'one' });
  const common = { server: 'Kafka', grade: 'broken' };
  expect(broken).toEqual({
    ...common,
    about: 'topic',
    found: 'is missing',
    toDo: 'create it',
    lasting: true,
  });
  expect(refused).toMatchObject({ ...common, about: 'rights', lasting: true, toDo: 'what the message says' });
  expect(Object.keys(away!).sort()).toEqual(['about', 'found', 'grade', 'lasting', 'server', 'toDo']);
  expect(away).toMatchObject({ lasting: false, toDo: 'try again' });
});
