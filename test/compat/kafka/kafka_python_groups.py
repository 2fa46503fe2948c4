"""Groups of kafka-python's consumers: python3 kafka_python_groups.py host:port,..."""

import sys

import groups
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic

SERVERS = sys.argv[1].split(",")


def make_topic(topic, partitions):
    KafkaAdminClient(bootstrap_servers=SERVERS).create_topics([NewTopic(topic, partitions, 3)])


class Member:
    def __init__(self, topic, group):
        self.consumer = KafkaConsumer(
            topic,
            bootstrap_servers=SERVERS,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            session_timeout_ms=2000,
            heartbeat_interval_ms=200,
            retry_backoff_ms=50,
            metadata_max_age_ms=1000,
        )

    def poll(self):
        found = self.consumer.poll(100)
        return [int(record.value) for records in found.values() for record in records]

    def commit(self):
        self.consumer.commit()

    def assigned(self):
        return len(self.consumer.assignment())

    def close(self):
        self.consumer.close(autocommit=False)


def produce(topic, numbers):
    producer = KafkaProducer(bootstrap_servers=SERVERS, acks="all", retries=100, retry_backoff_ms=50)
    sent = [
        producer.send(topic, b"%d" % number, partition=number % groups.PARTITIONS)
        for number in numbers
    ]
    for each in sent:
        each.get(groups.PATIENCE)
    producer.close()


groups.main("kafka-python", make_topic, Member, produce)
