"""Claims about kafka-python, a Kafka client without librdkafka: python3 kafka_python_claims.py host:port,..."""

import sys

from claims import claim, run
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import OffsetOutOfRangeError, TopicAlreadyExistsError

SERVERS = sys.argv[1].split(",")
PATIENCE_MS = 30_000


def admin():
    return KafkaAdminClient(bootstrap_servers=SERVERS)


@claim
def topics_are_made():
    """kafka-python: a topic is created only once"""
    client = admin()
    client.create_topics([NewTopic("py", 2, 3)])
    assert "py" in client.list_topics()
    try:
        client.create_topics([NewTopic("py", 2, 3)])
        raise AssertionError("it was made twice")
    except TopicAlreadyExistsError:
        pass


@claim
def the_cluster_is_described():
    """kafka-python: brokers, controller and replicas are those of the cluster"""
    found = admin().describe_cluster()
    assert len(found["brokers"]) == 3, found
    assert found["controller_id"] in [broker["node_id"] for broker in found["brokers"]], found


@claim
def records_are_read_as_they_were_sent():
    """kafka-python: records keep their key, value, headers and timestamp"""
    for number, compression in enumerate([None, "gzip"]):
        producer = KafkaProducer(bootstrap_servers=SERVERS, acks="all", compression_type=compression)
        sent = producer.send("py", b"v%d" % number, b"k", [("h", b"x")], partition=0, timestamp_ms=1234)
        assert sent.get(PATIENCE_MS / 1000).offset == number
        producer.close()
    consumer = KafkaConsumer(bootstrap_servers=SERVERS, consumer_timeout_ms=PATIENCE_MS, check_crcs=True)
    partition = TopicPartition("py", 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    found = [next(consumer), next(consumer)]
    assert [record.value for record in found] == [b"v0", b"v1"], found
    for record in found:
        assert (record.key, record.headers, record.timestamp) == (b"k", [("h", b"x")], 1234), record
    assert consumer.beginning_offsets([partition]) == {partition: 0}
    assert consumer.end_offsets([partition]) == {partition: 2}
    assert consumer.highwater(partition) == 2
    consumer.close()


@claim
def an_offset_out_of_range_is_told():
    """kafka-python: an offset out of range is reported, not skipped"""
    consumer = KafkaConsumer(bootstrap_servers=SERVERS, auto_offset_reset="none")
    partition = TopicPartition("py", 0)
    consumer.assign([partition])
    consumer.seek(partition, 100)
    try:
        consumer.poll(PATIENCE_MS)
        raise AssertionError("nothing was told")
    except OffsetOutOfRangeError:
        pass
    consumer.close()


run()
