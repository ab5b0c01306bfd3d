// Ask, read the reply, and say that it was useful: with kafkajs. It reads committed messages by default.
// kafkajs has to join a group to read: one of its own, which nobody else knows.
import { randomUUID } from "node:crypto";
import kafkajs from "kafkajs";

const brokers = (process.env.KAFKA_BOOTSTRAP ?? "localhost:9092").split(",");
const namespace = process.env.WEIR_NAMESPACE ?? "weir";
const { Kafka, logLevel, Partitioners } = kafkajs;
const kafka = new Kafka({ clientId: "quickstart", brokers, logLevel: logLevel.ERROR });

const id = randomUUID();
const consumer = kafka.consumer({ groupId: `default.quickstart-${id}` });
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
await Promise.all([consumer.connect(), producer.connect()]);

// A group without offsets starts at the end, once it has joined; what is sent after that is not missed.
const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
await consumer.subscribe({ topic: `${namespace}.replies`, fromBeginning: false });
const answered = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error("no reply within two minutes")), 120_000).unref();
  consumer.run({
    eachMessage: async ({ message }) => {
      const reply = JSON.parse(message.value.toString());
      if (reply.request_id === id && reply.final) resolve(reply);
    },
  });
});
await joined;
await new Promise((resolve) => setTimeout(resolve, 1_000)); // the first fetch fixes where the end was

const request = { app: "default", messages: [{ role: "user", content: process.argv[2] }] };
await producer.send({ topic: `${namespace}.requests`, messages: [{ value: JSON.stringify(request), headers: { ce_id: id } }] });

const reply = await answered;
console.log(reply.status, reply.text ?? reply.code);

const feedback = { app: "default", request_id: id, thumb: "up" };
await producer.send({ topic: `${namespace}.feedback`, messages: [{ value: JSON.stringify(feedback) }] });
await Promise.all([consumer.disconnect(), producer.disconnect()]);
