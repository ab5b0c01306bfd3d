"""Ask, read the reply, and say that it was useful: with confluent-kafka."""

import json
import os
import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition

BOOTSTRAP = os.environ.get("KAFKA_BOOTSTRAP", "localhost:9092")
NAMESPACE = os.environ.get("WEIR_NAMESPACE", "weir")
SECONDS = 120


def main(question: str) -> None:
    # A group's name is asked for, but none is joined: the partitions are assigned, and nothing is committed.
    replies = Consumer(
        {
            "bootstrap.servers": BOOTSTRAP,
            "group.id": "weir-client",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
        }
    )
    topic = f"{NAMESPACE}.replies"
    numbers = replies.list_topics(topic, timeout=30).topics[topic].partitions
    ends = {number: replies.get_watermark_offsets(TopicPartition(topic, number), timeout=30)[1] for number in numbers}
    replies.assign([TopicPartition(topic, number, end) for number, end in ends.items()])

    producer = Producer({"bootstrap.servers": BOOTSTRAP, "enable.idempotence": True})
    request_id = str(uuid.uuid4())
    request = {"app": "default", "messages": [{"role": "user", "content": question}]}
    producer.produce(f"{NAMESPACE}.requests", json.dumps(request), headers={"ce_id": request_id})
    producer.flush(30)

    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        message = replies.poll(1)
        if message is None or message.error():
            continue
        reply = json.loads(message.value())
        if reply["request_id"] == request_id and reply["final"]:
            break
    else:
        sys.exit("no reply within two minutes")
    print(reply["status"], reply.get("text") or reply.get("code"))

    feedback = {"app": "default", "request_id": request_id, "thumb": "up"}
    producer.produce(f"{NAMESPACE}.feedback", json.dumps(feedback))
    producer.flush(30)
    replies.close()


if __name__ == "__main__":
    main(sys.argv[1])
