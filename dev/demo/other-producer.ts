import { Kafka, logLevel, Partitioners, type KafkaConfig } from 'kafkajs';
import type { Settings } from '../../configs/schema';

/**
 * What some other producer of the topic might send: orders with neither order_id nor created_at. With them the samples break
 * all six rules; the table's primary key allows no such row. Without a time they have no place in a comparison.
 */
export async function sendOrdersWithoutId({ brokers, topic, ssl, sasl }: Settings['kafka']): Promise<number> {
  const order =
    '"customer_name":"Nobody","restaurant_name":"Spice Garden","item":"Masala Dosa","amount":120.00,"order_status":"PLACED"';
  const values = [`{"order_id":null,${order},"created_at":null}`, `{${order}}`];
  const security = { ...(ssl === false ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) };
  const kafka = new Kafka({
    clientId: 'orders-demo',
    brokers,
    logLevel: logLevel.NOTHING,
    // The settings' schema and kafkajs write the same shapes differently.
    ...(security as Pick<KafkaConfig, 'ssl' | 'sasl'>),
  });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  try {
    await producer.connect();
    await producer.send({ topic, messages: values.map((value) => ({ key: null, value })) });
  } finally {
    await producer.disconnect();
  }
  return values.length;
}
