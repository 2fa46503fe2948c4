"""Groups of confluent-kafka-python's consumers: python3 confluent_groups.py host:port,..."""

import sys

import groups
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

SERVERS = sys.argv[1]
SOON = {"bootstrap.servers": SERVERS, "topic.metadata.refresh.interval.ms": 1000}


def make_topic(topic, partitions):
    admin = AdminClient(SOON)
    admin.create_topics([NewTopic(topic, partitions, 3)])[topic].result(groups.PATIENCE)


class Member:
    def __init__(self, topic, group):
        self.consumer = Consumer(
            {
                **SOON,
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": False,
                "session.timeout.ms": 2000,
                "heartbeat.interval.ms": 200,
                "fetch.wait.max.ms": 50,
            }
        )
        self.consumer.subscribe([topic])

    def poll(self):
        found = self.consumer.consume(100, 0.1)
        return [int(message.value()) for message in found if message.error() is None]

    def commit(self):
        self.consumer.commit(asynchronous=False)

    def assigned(self):
        return len(self.consumer.assignment())

    def close(self):
        self.consumer.close()


def produce(topic, numbers):
    failures = []
    # Idempotent: a record that is retried after a broker stopped is stored once.
    producer = Producer({**SOON, "enable.idempotence": True, "linger.ms": 1})
    for number in numbers:
        producer.produce(
            topic,
            str(number),
            partition=number % groups.PARTITIONS,
            on_delivery=lambda error, _: failures.append(error) if error else None,
        )
    assert producer.flush(groups.PATIENCE) == 0
    assert failures == [], failures


groups.main("confluent", make_topic, Member, produce)
