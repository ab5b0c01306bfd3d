"""Ask, read the reply, and say that it was useful: with kafka-python."""

import json
import os
import sys
import uuid

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092")
NAMESPACE = os.environ.get("WEIR_NAMESPACE", "weir")


def main(question: str) -> None:
    replies = KafkaConsumer(bootstrap_servers=BOOTSTRAP, isolation_level="read_committed", consumer_timeout_ms=120_000)
    topic = f"{NAMESPACE}.replies"
    partitions = [TopicPartition(topic, number) for number in replies.partitions_for_topic(topic)]
    replies.assign(partitions)
    for partition, end in replies.end_offsets(partitions).items():
        replies.seek(partition, end)

    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    request_id = str(uuid.uuid4())
    request = {"app": "default", "messages": [{"role": "user", "content": question}]}
    headers = [("ce_id", request_id.encode())]
    producer.send(f"{NAMESPACE}.requests", json.dumps(request).encode(), headers=headers)
    producer.flush()

    for message in replies:
        reply = json.loads(message.value)
        if reply["request_id"] == request_id and reply["final"]:
            break
    else:
        sys.exit("no reply within two minutes")
    print(reply["status"], reply.get("text") or reply.get("code"))

    feedback = {"app": "default", "request_id": request_id, "thumb": "up"}
    producer.send(f"{NAMESPACE}.feedback", json.dumps(feedback).encode())
    producer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
