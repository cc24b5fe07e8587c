import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;

/** Kafka's own producer, once for each codec: arguments are brokers, topic, records for each codec, codecs. */
class KafkaForeignProducer {
  public static void main(String[] arguments) {
    int records = Integer.parseInt(arguments[2]);
    for (int i = 3; i < arguments.length; i++) send(arguments[0], arguments[1], records, arguments[i]);
  }

  private static void send(String brokers, String topic, int records, String codec) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("compression.type", codec);
    settings.put("linger.ms", "200"); // large batches
    settings.put("batch.size", "500000");
    settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(settings)) {
      for (int i = 0; i < records; i++) {
        String value = "{\"order_id\":" + i + ",\"customer_name\":\"日本語 🍜\",\"item\":\"" + codec + "\"}";
        producer.send(new ProducerRecord<>(topic, codec + i, value));
      }
    }
  }
}
