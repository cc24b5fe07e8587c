import type { OrdersTopic } from '../../ports';

/** Publishes one window of orders, in one day. */
export async function publishWindow(
  topic: OrdersTopic,
  sequence: number,
  orders: { id: number; item?: string }[],
): Promise<void> {
  const place = (sequence: number) => ({
    createdAt: '2025-11-18T10:00:00.000000Z',
    orderId: String(sequence),
  });
  const window = { sequence, lower: place(sequence - 1), upper: place(sequence) };
  const messages = orders.map(({ id, item = 'Soup' }) => ({
    key: String(id),
    value: Buffer.from(
      `{"order_id":${id},"customer_name":"Ada","restaurant_name":"R","item":"${item}","amount":1.50,` +
        `"order_status":"PLACED","created_at":"2025-11-18T10:00:00.${String(id).padStart(6, '0')}Z"}`,
    ),
  }));
  async function* rows() {
    yield await Promise.resolve(messages);
  }
  await topic.publish(window, rows, {
    signal: new AbortController().signal,
    onProgress: () => undefined,
    onOversized: () => Promise.reject(new Error('no row is that large')),
  });
}
