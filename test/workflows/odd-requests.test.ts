/** Whatever somebody sends to a workflow, it goes on: what it cannot read or does not know is refused, and `status` says so. */
import { REMEMBERED } from '../../domain/requests';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { eventually } from '../helpers/pipeline';
import { namespace, client, offsets, beside, json, signalRaw, updateRaw, UNDECODABLE } from './odd-payloads';

test('payloads that cannot be decoded are refused by name, by signal and by update, and a query minds none', async () => {
  await beside<CaptureStatus>('captureOrders', async (id, status) => {
    for (const name of ['pause', 'resume', 'resetWatermark'])
      for (const [, payload] of UNDECODABLE) await signalRaw(id, name, [payload]);
    await eventually(async () => {
      const { refusals, phase } = await status();
      expect(refusals).toHaveLength(15);
      expect(phase).toBe('polling');
      expect(refusals.map(({ signal }) => signal)).toEqual(
        ['pause', 'resume', 'resetWatermark'].flatMap((name) => Array<string>(5).fill(name)),
      );
      expect(refusals[0]!.problem).toMatch(/cannot be decoded .*binary\/encrypted.*json\/plain/);
      expect(refusals[3]!.problem).toMatch(/it has no encoding/);
    });
    for (const [, payload] of UNDECODABLE)
      expect(await updateRaw(id, 'resetWatermark', [payload])).toMatch(/cannot be decoded/);
    const query = { queryType: 'status', queryArgs: { payloads: UNDECODABLE.map(([, one]) => one) } };
    const { queryResult } = await client.workflowService.queryWorkflow({
      namespace,
      execution: { workflowId: id },
      query,
    });
    expect(queryResult?.payloads).toHaveLength(1);
    // It still does what it is asked.
    await client.workflow.getHandle(id).executeUpdate('pause', { args: [{ reason: 'still there' }] });
    expect(await status()).toMatchObject({ paused: { reason: 'still there' } });
  });
});

test('unknown and reserved names are refused and name the nearest; two payloads are refused', async () => {
  await beside<LandStatus>('landOrders', async (id, status) => {
    await eventually(async () => expect((await status()).phase).toBe('claiming'));
    await signalRaw(id, 'resetOfsets', [json('{"offsets":"earliest"}')]);
    await signalRaw(id, '__temporal_x', []);
    await signalRaw(
      id,
      'x'.repeat(900),
      UNDECODABLE.map(([, payload]) => payload),
    );
    await signalRaw(id, 'resetOffsets', [json('{"offsets":{"0":"1"}}'), json('{}')]);
    await signalRaw(id, 'replayBatch', [json('{"batch":"x"}')]);
    await signalRaw(id, 'replayBatch', [json('null')]);
    await eventually(async () => {
      const { refusals } = await status();
      const said = refusals.map(({ signal, problem }) => `${signal}: ${problem}`);
      expect(said).toEqual(
        expect.arrayContaining([
          expect.stringMatching(
            /^resetOfsets: .*understands pause, resume, resetOffsets; did you mean resetOffsets\?/,
          ),
          expect.stringMatching(/^\(reserved\) __temporal_x: /),
          expect.stringMatching(/^x{99}…: /),
          expect.stringMatching(/^resetOffsets: .*one payload, not 2/),
          expect.stringMatching(/^replayBatch: .*npm run orders -- replay/),
        ]),
      );
      expect(refusals).toHaveLength(6);
    });
    expect(await updateRaw(id, 'stop', [json('{}')])).toMatch(/does not understand it.*pause, resume/);
    expect(await updateRaw(id, '__temporal_y', [])).toMatch(/does not understand it/);
    expect((await status()).nextOffsets).toEqual(offsets);
  });
});

test('absurd payloads are cut or refused, and nothing of their size stays in the workflow', async () => {
  await beside<CaptureStatus>('captureOrders', async (id, status) => {
    const reason = `${'é'.repeat(900_000)}\u0000`;
    const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
    await signalRaw(id, 'pause', [json(JSON.stringify({ reason }))]);
    await signalRaw(id, 'pause', [json('{"reason":"half \\ud800 and NUL \\u0000"}')]);
    await eventually(async () =>
      expect((await status()).paused).toMatchObject({ reason: 'half \ufffd and NUL \ufffd' }),
    );
    await signalRaw(id, 'resume', []);
    for (const payload of [
      `{"createdAt":${JSON.stringify('9'.repeat(1_000_000))}}`,
      `{"createdAt":${deep}}`,
      deep,
      `{"${'k'.repeat(1_000_000)}":1}`,
      '{"__proto__":{"createdAt":"2025-11-18T00:00:00Z"}}',
      '{"createdat":"2025-11-18T00:00:00Z"}',
      '{"createdAt":"2025-11-18T00:00:00Z","orderId":9007199254740993}',
      '{"createdAt":"2025-11-18T00:00:00Z","orderId":"9999999999999999999"}',
      '{"createdAt":"2025-11-18T00:00:00Z","orderId":1e400}',
      '{"createdAt":"9999-12-31T23:59:59-14:00"}',
      '{"createdAt":"0001-01-01T00:00:00+14:00"}',
    ])
      await signalRaw(id, 'resetWatermark', [json(payload)]);
    await eventually(async () => {
      const now = await status();
      expect(now.refusals).toHaveLength(11);
      expect(now.resets).toEqual([]);
      expect(JSON.stringify(now).length).toBeLessThan(10_000);
      expect(now.refusals[5]!.problem).toMatch(/createdat is not a field.*did you mean createdAt\?/);
      expect(now.refusals[6]!.problem).toMatch(/must be text/);
    });
  });
  await beside<LandStatus>('landOrders', async (id, status) => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [String(n), '1']));
    await signalRaw(id, 'resetOffsets', [json(JSON.stringify({ offsets: many }))]);
    await signalRaw(id, 'resetOffsets', [json('{"offsets":{"0":9007199254740993}}')]);
    await signalRaw(id, 'resetOffsets', [json(`{"offsets":{"0":"${'1'.repeat(100_000)}"}}`)]);
    await eventually(async () => expect((await status()).refusals).toHaveLength(3));
    expect(await status()).toMatchObject({ nextOffsets: offsets, resets: [] });
    expect(await updateRaw(id, 'resetOffsets', [json('{"offsets":{"0":9007199254740993}}')])).toMatch(
      /not exact/,
    );
  });
});

test('thousands of signals while it is paused: it continues as new in time, and the last ones are done', async () => {
  await beside<CaptureStatus>('captureOrders', async (id, status) => {
    await client.workflow.getHandle(id).signal('pause', { reason: 'first' });
    await eventually(async () => expect((await status()).phase).toBe('paused'));
    const LANES = 10;
    const lane = async (n: number) => {
      for (let i = 0; i < 100; i++)
        await client.workflow
          .getHandle(id)
          .signal(i % 2 === 0 ? 'nonsense' : 'pause', { reason: `${n}/${i}` });
    };
    await Promise.all(Array.from({ length: LANES }, (_, n) => lane(n)));
    await client.workflow.getHandle(id).signal('pause', { reason: 'last' });
    await eventually(async () => {
      const now = await status();
      expect(now.paused?.reason).toBe('last');
      expect(now.refusals).toHaveLength(REMEMBERED);
      expect(now.runs).toBeGreaterThan(1);
      expect(now.historyEvents).toBeLessThan(2_000);
    }, 30_000);
  });
});

test('only signals that nobody understands, while it is paused: history ends in time as well', async () => {
  await beside<LandStatus>('landOrders', async (id, status) => {
    const handle = client.workflow.getHandle(id);
    await handle.signal('pause');
    await eventually(async () => expect((await status()).phase).toBe('paused'));
    for (let i = 0; i < 150; i++) await handle.signal(`nonsense-${i}`);
    await eventually(async () => {
      const now = await status();
      expect(now.runs).toBeGreaterThan(1);
      expect(now.refusals.at(-1)?.signal).toBe('nonsense-149');
    });
  });
});
