/** What operators and their tools ask of the workflows, rightly or not. */
import { orders } from '../oracle';
import { insist, seconds, type Make } from './fault';

const WORKFLOWS = ['orders-capture', 'orders-land'] as const;
const SIGNALS = ['resetWatermark', 'resetOffsets', 'compact', '__temporal_odd', 'replayBatch'] as const;

const text = (value: string, encoding = 'json/plain') => ({
  metadata: { encoding: Buffer.from(encoding) },
  data: Buffer.from(value),
});

/** As they come over the wire: some cannot be decoded, and none is what the signal wants. */
const PAYLOADS = {
  'no payload': [],
  'not JSON': [text('{"createdAt":')],
  'an unknown encoding': [text('x', 'binary/encrypted')],
  protobuf: [text('\u0001\u0002', 'binary/protobuf')],
  null: [text('null')],
  'a number': [text('1e308')],
  'a list': [text('[1,2,3]')],
  'a long text': [text(JSON.stringify('x'.repeat(300_000)))],
  'a deep list': [text('['.repeat(20_000) + ']'.repeat(20_000))],
  'a thousand keys': [
    text(JSON.stringify(Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`k${i}`, i])))),
  ],
  'an absurd moment': [text('{"createdAt":"tomorrow","orderId":-1}')],
  'absurd offsets': [text('{"offsets":{"0":"-5","99":"x"}}')],
  'a hundred payloads': Array<ReturnType<typeof text>>(100).fill(text('{}')),
};

export const oddSignal: Make = ({ harness }, random) => {
  const id = random.pick(WORKFLOWS);
  const signalName = random.pick(SIGNALS);
  const payload = random.pick(Object.keys(PAYLOADS) as [keyof typeof PAYLOADS, ...(keyof typeof PAYLOADS)[]]);
  const times = random.pick([1, 1, 1, 20]);
  return {
    kind: 'odd signal',
    what: `${times} × ${signalName} with ${payload} to ${id}`,
    run: async (signal) => {
      const { workflowService, options } = {
        workflowService: harness.client.workflowService,
        options: harness.client.options,
      };
      for (let n = 0; n < times; n++)
        await insist(
          () =>
            workflowService.signalWorkflowExecution({
              namespace: options.namespace,
              workflowExecution: { workflowId: id },
              signalName,
              input: { payloads: PAYLOADS[payload] },
            }),
          signal,
        );
    },
  };
};

export const pausedAWhile: Make = ({ harness }, random) => {
  const id = random.pick(WORKFLOWS);
  const lasts = random.between(1, 8);
  return {
    kind: 'paused and resumed',
    what: `${id} for ${lasts} s`,
    run: async (signal) => {
      const handle = harness.client.workflow.getHandle(id);
      await insist(() => handle.signal('pause', { reason: 'torture' }), signal);
      await seconds(lasts, signal);
      await insist(() => handle.signal('resume'), signal);
    },
  };
};

export const rewound: Make = ({ harness, declared }, random) => {
  const back = random.between(5, 180);
  return {
    kind: 'watermark reset',
    what: `${back} s back`,
    run: async (signal) => {
      declared.repeats = true;
      const createdAt = new Date(Date.now() - back * 1_000).toISOString();
      const capture = harness.client.workflow.getHandle('orders-capture');
      await insist(() => capture.signal('resetWatermark', { createdAt, reason: 'torture' }), signal);
    },
  };
};

export const offsetsReset: Make = ({ harness, declared }) => ({
  kind: 'offsets reset',
  what: 'to the earliest',
  run: async (signal) => {
    declared.repeats = true;
    const land = harness.client.workflow.getHandle('orders-land');
    await insist(() => land.signal('resetOffsets', { offsets: 'earliest', reason: 'torture' }), signal);
  },
});

/** They look, and must end by themselves whatever is going on. */
export const looks: Make = ({ harness }, random) => {
  const command = random.pick(['status', 'doctor', 'audit', 'verify'] as const);
  return {
    kind: 'looked at',
    what: `orders ${command}`,
    run: async () => void (await orders(harness, command, '--json')),
  };
};
