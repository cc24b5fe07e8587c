import { wholeWay } from '../../helpers/whole-way';
import { parseSettings } from '../../../configs/load';
import { TopicFixture, brokers } from './helpers';

const topic = new TopicFixture();
afterAll(() => topic.close());

test('kafkajs sets timers with negative delays, of which Node 24 warns: none is left', async () => {
  const setTimer = jest.spyOn(globalThis, 'setTimeout');
  const { kafka } = parseSettings(
    JSON.stringify({
      kafka: { brokers: brokers(), topic: topic.name, consumer_group: `group-${topic.name}` },
    }),
    'test',
    {},
  );
  await wholeWay(kafka);
  const delays = setTimer.mock.calls.map(([, delay = 0]) => delay);
  setTimer.mockRestore();
  expect(delays.length).toBeGreaterThan(0);
  expect(delays.filter((delay) => delay < 0)).toEqual([]);
});
