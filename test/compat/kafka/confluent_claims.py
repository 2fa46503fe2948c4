"""Claims about confluent-kafka-python, which uses librdkafka: python3 confluent_claims.py host:port,..."""

import sys

from claims import claim, have, run
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

SERVERS = sys.argv[1]
PATIENCE = 60
# Retries come soon.
SOON = {"bootstrap.servers": SERVERS, "topic.metadata.refresh.interval.ms": 1000}
# Consumers are assigned partitions by hand and commit nothing.
ALONE = {**SOON, "group.id": "none", "enable.auto.commit": False}

admin = AdminClient(SOON)


def make(topic, partitions=1, replicas=3):
    made = admin.create_topics([NewTopic(topic, partitions, replicas)], operation_timeout=PATIENCE)
    made[topic].result(PATIENCE)


def read(topic, count, partition=0):
    """The first records of a partition."""
    consumer = Consumer({**ALONE, "check.crcs": True, "fetch.wait.max.ms": 50})
    consumer.assign([TopicPartition(topic, partition, 0)])
    found = []
    while len(found) < count:
        message = consumer.poll(PATIENCE)
        assert message is not None, f"{len(found)} of {count} came"
        assert message.error() is None, message.error()
        found.append(message)
    consumer.close()
    return found


@claim
def topics_that_are_refused():
    """confluent: every topic that cannot be created is refused with Kafka's error"""
    wanted = {"a/b": KafkaError.TOPIC_EXCEPTION, "many": KafkaError.INVALID_REPLICATION_FACTOR}
    topics = [NewTopic("a/b", 1, 1), NewTopic("many", 1, 9)]
    for topic, made in admin.create_topics(topics, operation_timeout=PATIENCE).items():
        try:
            made.result(PATIENCE)
            raise AssertionError(f"{topic} was made")
        except KafkaException as error:
            assert error.args[0].code() == wanted[topic], error


@claim
def every_codec():
    """confluent: records compressed with any codec are read back"""
    make("codecs")
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    for codec in codecs:
        producer = Producer({**SOON, "compression.type": codec, "linger.ms": 50})
        for number in range(20):
            producer.produce("codecs", f"{codec} {number} ".encode() * 20, key=codec.encode())
        assert producer.flush(PATIENCE) == 0
    found = read("codecs", 100)
    wanted = [f"{codec} {number} ".encode() * 20 for codec in codecs for number in range(20)]
    assert [message.value() for message in found] == wanted


@claim
def an_offset_out_of_range_is_told():
    """confluent: an offset out of range is reported, not skipped"""
    consumer = Consumer({**ALONE, "auto.offset.reset": "error"})
    consumer.assign([TopicPartition("codecs", 0, 100_000)])
    message = consumer.poll(PATIENCE)
    assert message.error().code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
    consumer.close()


@claim
def a_leader_that_goes():
    """confluent: an idempotent producer loses and duplicates nothing when a leader fails"""
    make("moved")
    failures = []
    producer = Producer({**SOON, "enable.idempotence": True, "retry.backoff.ms": 20, "linger.ms": 1})

    def delivered(error, _):
        if error is not None:
            failures.append(error)

    for number in range(2000):
        producer.produce("moved", str(number), on_delivery=delivered)
        producer.poll(0)
        if number == 500:
            assert producer.flush(PATIENCE) == 0
        if number == 1000:
            have(do="stop leader", topic="moved")
    assert producer.flush(PATIENCE) == 0
    assert failures == []
    values = [int(message.value()) for message in read("moved", 2000)]
    assert values == list(range(2000)), values


run()
