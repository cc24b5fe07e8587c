/** What look-ups must find, whatever the lake's files are on: run it against each kind. */
import type { AcceptedRow, OrdersLake, QuarantinedRow } from '../../../ports';
import { accepted, batch, entryFor, quarantined, write } from '../../helpers/lake';

interface Fixture {
  /** Opened for the first time. */
  lake: OrdersLake;
  /** Takes away all that it holds. */
  clear: () => Promise<void>;
}

export function lookupContract(open: () => Promise<Fixture>): void {
  let lake: OrdersLake;
  let clear: () => Promise<void>;
  beforeEach(async () => ({ lake, clear } = await open()));

  /** Only what the ledger lists counts. */
  async function land(sequence: number, rows: AcceptedRow[], failed: QuarantinedRow[] = []): Promise<void> {
    const written = await write(lake, batch(sequence), { accepted: rows, quarantined: failed });
    await lake.commit(entryFor(batch(sequence), written));
  }

  const landed = async (sequence: number, rows: AcceptedRow[]) =>
    [
      ...(
        await lake.findLanded(
          { before: sequence },
          rows.map(({ order }) => order),
        )
      ).indexes,
    ].sort((a, b) => a - b);

  const kept = async (sequence: number, rows: QuarantinedRow[]) =>
    [...(await lake.findQuarantined({ before: sequence }, rows)).indexes].sort((a, b) => a - b);

  const NEXT_DAY = { createdAt: '2025-11-19T10:00:00Z' };

  test('orders of earlier batches are found by order_id in their date', async () => {
    await land(1, [accepted(1), accepted(2), accepted(3, NEXT_DAY)]);
    await land(2, [accepted(2n ** 63n - 1n), accepted(-5)]);
    expect(
      await landed(3, [
        accepted(9),
        accepted(2, { createdAt: '2025-11-18T23:00:00Z' }),
        accepted(3),
        accepted(3, NEXT_DAY),
        accepted(2n ** 63n - 1n),
        accepted(-5),
        accepted(1),
        accepted(1),
      ]),
    ).toEqual([1, 3, 4, 5, 6, 7]);
  });

  test('files of this batch and of later ones do not count', async () => {
    await land(1, [accepted(1)]);
    await land(2, [accepted(2)]);
    await land(3, [accepted(3)]);
    expect(await landed(2, [accepted(1), accepted(2), accepted(3)])).toEqual([0]);
  });

  test('nothing is found where there is no file, no date or no lake', async () => {
    expect(await landed(1, [accepted(1)])).toEqual([]);
    await land(1, [accepted(1)]);
    expect(await landed(2, [accepted(1, NEXT_DAY)])).toEqual([]);
    expect(await landed(2, [])).toEqual([]);
    await clear();
    expect(await landed(2, [accepted(1)])).toEqual([]);
  });

  test('more orders than a chunk of DuckDB', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => accepted(i));
    await land(
      1,
      rows.filter((_, i) => i % 2 === 0),
    );
    const found = await landed(2, rows);
    expect(found).toEqual(rows.flatMap((_, i) => (i % 2 === 0 ? [i] : [])));
  });

  test('quarantined rows are found by order_id and created_at, by their bytes without an id, by their place without a time', async () => {
    const at = (createdAt: string, orderId = 7) =>
      `{"order_id":${orderId},"amount":0,"created_at":"${createdAt}"}`;
    await land(
      1,
      [],
      [
        quarantined(at('2025-11-18T10:00:00Z'), { offset: 1 }),
        quarantined('{not json', { offset: 2 }),
        quarantined(Buffer.from([0xff, 0x00, 0xfe]), { offset: 3 }),
        quarantined(null, { offset: 4, key: 'seven' }),
        quarantined('{"order_id":8}', { offset: 5 }),
        quarantined('{"created_at":"2025-11-18T10:00:00Z"}', { offset: 6 }),
      ],
    );
    expect(
      await kept(2, [
        quarantined(at('2025-11-18T10:00:00.000Z'), { offset: 90 }),
        quarantined(at('2025-11-18T10:00:01Z'), { offset: 91 }),
        quarantined(at('2025-11-18T10:00:00Z', 6), { offset: 92 }),
        quarantined('{"created_at":"2025-11-18T10:00:00Z"}', { offset: 93 }),
        quarantined('{"created_at": "2025-11-18T10:00:00Z"}', { offset: 94 }),
        quarantined('{not json', { offset: 95 }),
        quarantined('{not json', { offset: 2 }),
        quarantined('{not json', { offset: 2, partition: 1 }),
        quarantined(Buffer.from([0xff, 0x00, 0xfe]), { offset: 3 }),
        quarantined(null, { offset: 4, key: 'seven' }),
        quarantined(null, { offset: 96, key: 'seven' }),
        quarantined('{"order_id":8}', { offset: 5 }),
      ]),
    ).toEqual([0, 3, 6, 8, 9, 11]);
    expect(await kept(1, [quarantined('{not json', { offset: 2 })])).toEqual([]);
  });

  test('of a topic before, offsets say nothing; order_ids do', async () => {
    const order = '{"order_id":7,"amount":0,"created_at":"2025-11-18T10:00:00Z"}';
    for (const sequence of [1, 2])
      await land(sequence, [], [quarantined(order), quarantined('{not json', { offset: sequence })]);
    const rows = [quarantined(order), ...[1, 2].map((offset) => quarantined('{not json', { offset }))];
    const found = async (topicSince: number) => [
      ...(await lake.findQuarantined({ except: 3, topicSince }, rows)).indexes,
    ];
    expect((await found(1)).sort()).toEqual([0, 1, 2]);
    expect((await found(2)).sort()).toEqual([0, 2]);
    expect(await found(3)).toEqual([0]);
    await land(3, [accepted(1)]);
    expect([...(await lake.findLanded({ before: 4, topicSince: 4 }, [accepted(1).order])).indexes]).toEqual([
      0,
    ]);
  });
}
