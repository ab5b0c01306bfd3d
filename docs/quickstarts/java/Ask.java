// Ask, read the reply, and say that it was useful: with Apache's own client.
// java -cp 'lib/*' Ask.java "Who wrote Faust?"

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Ask {
  static final String BOOTSTRAP = System.getenv().getOrDefault("KAFKA_BOOTSTRAP", "localhost:9092");
  static final String NAMESPACE = System.getenv().getOrDefault("WEIR_NAMESPACE", "weir");

  public static void main(String[] arguments) {
    Map<String, Object> reading =
        Map.of("bootstrap.servers", BOOTSTRAP, "isolation.level", "read_committed", "enable.auto.commit", "false");
    Map<String, Object> writing = Map.of("bootstrap.servers", BOOTSTRAP, "acks", "all", "enable.idempotence", "true");
    try (var replies = new KafkaConsumer<>(reading, new StringDeserializer(), new StringDeserializer());
        var producer = new KafkaProducer<>(writing, new StringSerializer(), new StringSerializer())) {
      List<TopicPartition> partitions =
          replies.partitionsFor(NAMESPACE + ".replies").stream()
              .map(info -> new TopicPartition(info.topic(), info.partition()))
              .collect(Collectors.toList());
      replies.assign(partitions);
      replies.seekToEnd(partitions);
      partitions.forEach(replies::position); // the seek is made now, not at the first poll

      String id = UUID.randomUUID().toString();
      String body = "{\"app\": \"default\", \"messages\": [{\"role\": \"user\", \"content\": " + quoted(arguments[0]) + "}]}";
      var request = new ProducerRecord<String, String>(NAMESPACE + ".requests", body);
      request.headers().add("ce_id", id.getBytes(StandardCharsets.UTF_8));
      producer.send(request);
      producer.flush();

      System.out.println(reply(replies, id));

      String feedback = "{\"app\": \"default\", \"request_id\": \"" + id + "\", \"thumb\": \"up\"}";
      producer.send(new ProducerRecord<>(NAMESPACE + ".feedback", feedback));
      producer.flush();
    }
  }

  /** The final reply, as JSON. Use a JSON library in earnest: this one looks for two members as Weir writes them. */
  static String reply(KafkaConsumer<String, String> replies, String id) {
    long end = System.nanoTime() + Duration.ofMinutes(2).toNanos();
    while (System.nanoTime() < end) {
      for (ConsumerRecord<String, String> record : replies.poll(Duration.ofSeconds(1))) {
        String text = record.value().replaceAll("\"\\s*:\\s*", "\":");
        if (text.contains("\"request_id\":\"" + id + "\"") && text.contains("\"final\":true")) {
          return record.value();
        }
      }
    }
    throw new IllegalStateException("no reply within two minutes");
  }

  static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}
