// The answer of each api, and Kafka's error code for each invalid request.

import { gzipSync } from 'node:zlib'
import t from 'tap'
import { crc32c } from '../../../src/protocol/crc32c.ts'
import { createPartitions } from '../../../src/protocol/kafka/api/create-partitions.ts'
import { createTopics } from '../../../src/protocol/kafka/api/create-topics.ts'
import { deleteRecords } from '../../../src/protocol/kafka/api/delete-records.ts'
import { deleteTopics } from '../../../src/protocol/kafka/api/delete-topics.ts'
import { describeCluster } from '../../../src/protocol/kafka/api/describe-cluster.ts'
import { describeLogDirs } from '../../../src/protocol/kafka/api/describe-log-dirs.ts'
import { describeProducers } from '../../../src/protocol/kafka/api/describe-producers.ts'
import { fetch } from '../../../src/protocol/kafka/api/fetch.ts'
import { findCoordinator } from '../../../src/protocol/kafka/api/find-coordinator.ts'
import { initProducerId } from '../../../src/protocol/kafka/api/init-producer-id.ts'
import { listOffsets } from '../../../src/protocol/kafka/api/list-offsets.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/kafka/api/offset-for-leader-epoch.ts'
import { produce } from '../../../src/protocol/kafka/api/produce.ts'
import { noUuid } from '../../../src/protocol/kafka/reader.ts'
import { type MqErrorCode, mqErrorCodes } from '../../../src/protocol/mq/error-codes.ts'
import { decodeBatch, encodeBatch, type ProducerId } from '../../../src/protocol/mq/record-batch.ts'
import { until, worldTest } from '../broker-world.ts'
import { batchOf, fetchOf, newTopic, produceTo } from './exchanges.ts'
import { type KafkaClient, kafkaClient } from './kafka-client.ts'

const strangeId = 'UDpsz5oTRHaBuIZhW0V9yA'

function nameOf(number: number | undefined): string | undefined {
  return Object.entries(mqErrorCodes).find(([, each]) => each === number)?.[0]
}

function versions(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

// --- Metadata ------------------------------------------------------------------------------------

/** Requests are sent once, so the broker may not lose its session in between, on a slow machine. */
const unhurried = { brokers: 1, flags: ['--session-timeout=20000'] }

worldTest(
  t,
  'Metadata: every version names brokers and topics',
  { brokers: 2 },
  async (t, world) => {
    const client = kafkaClient(world)
    const topicId = await newTopic(client, 'm', { partitions: 2, replicas: 2 })
    for (const version of versions(0, 12)) {
      const asked = { topics: [{ name: 'm' }] }
      const { brokers, topics, controllerId } = await client.send(metadata, version, asked)
      t.same(
        brokers.map(({ nodeId, port }) => ({ nodeId, port })),
        [1, 2].map((nodeId) => ({ nodeId, port: world.broker(nodeId).port })),
        `version ${version}`,
      )
      if (version >= 1)
        t.ok([1, 2].includes(controllerId), 'the controller is one of the listed brokers')
      const [topic] = topics
      t.equal(topic?.name, 'm')
      t.equal(topic?.topicId, version < 10 ? noUuid : topicId)
      t.equal(topic?.errorCode, 0)
      t.same(
        topic?.partitions.map(({ partitionIndex, isrNodes }) => [partitionIndex, isrNodes.length]),
        [
          [0, 2],
          [1, 2],
        ],
      )
    }
  },
)

worldTest(
  t,
  'Metadata: with auto.create.topics.enable, asking for a topic creates it',
  { brokers: 2, flags: ['--auto-create-topics-enable=true', '--num-partitions=3'] },
  async (t, world) => {
    const client = kafkaClient(world)
    const ask = async (name: string, allowAutoTopicCreation = true, from = client) => {
      const asked = { topics: [{ name }, { name }], allowAutoTopicCreation }
      const { topics } = await from.send(metadata, 4, asked)
      return topics.map(({ errorCode, partitions }) => [nameOf(errorCode), partitions.length])
    }
    const twice = (...row: readonly [string, number]) => [row, row]
    t.same(await ask('quiet', false), twice('UNKNOWN_TOPIC_OR_PARTITION', 0))
    t.same(await ask('a b'), twice('INVALID_TOPIC_EXCEPTION', 0))
    t.same(await ask('__consumer_offsets'), twice('UNKNOWN_TOPIC_OR_PARTITION', 0))
    const other = kafkaClient(world, 2)
    const isKnown = async (from: KafkaClient) => {
      const rows = await ask('new', true, from)
      const retry = twice('LEADER_NOT_AVAILABLE', 0)
      if (rows[0]?.[1] === 0) t.same(rows, retry)
      return rows[0]?.[1] === 3
    }
    await Promise.all([client, other].map((from) => until(() => isKnown(from))))
    const { topics } = await client.send(metadata, 4, { topics: null })
    t.same(
      topics.map(({ name, partitions }) => [
        name,
        partitions.map(({ replicaNodes }) => replicaNodes.length),
      ]),
      [['new', [2, 2, 2]]],
      'and no topic for what a client asked in vain',
    )
  },
)

worldTest(t, 'Metadata: all topics, or none', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'a')
  const count = async (version: number, topics: null | []) => {
    return (await client.send(metadata, version, { topics })).topics.length
  }
  t.equal(await count(0, []), 1, 'in version 0 an empty list asks for all')
  t.equal(await count(1, []), 0)
  t.equal(await count(1, null), 1)
  t.equal(await count(12, []), 0)
  t.equal(await count(12, null), 1)
})

worldTest(t, 'Metadata: topics that do not exist', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const topicId = await newTopic(client, 'known')
  const { topics } = await client.send(metadata, 12, {
    topics: [
      { name: 'unknown' },
      { name: 'no/name' },
      { name: null, topicId: strangeId },
      { name: null, topicId },
    ],
  })
  t.same(
    topics.map(({ name, errorCode }) => [name, nameOf(errorCode)]),
    [
      ['unknown', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['no/name', 'INVALID_TOPIC_EXCEPTION'],
      [null, 'UNKNOWN_TOPIC_ID'],
      ['known', 'NONE'],
    ],
  )
})

worldTest(t, 'a topic keeps its id until it is deleted', { brokers: 1 }, async (t, world) => {
  const before = kafkaClient(world)
  const id = await newTopic(before, 'named')
  await world.broker(1).stop()
  await world.startBroker(1)
  const client = kafkaClient(world)
  const { topics } = await client.send(metadata, 12, { topics: [{ name: 'named' }] })
  t.equal(topics[0]?.topicId, id, 'a restart keeps it')
  const doomed = { topics: [{ name: 'named', topicId: noUuid }], timeoutMs: 30_000 }
  const { responses } = await client.send(deleteTopics, 6, doomed)
  t.equal(responses[0]?.errorCode, 0)
  const again = await newTopic(client, 'named')
  t.not(again, id, 'a new topic of the name has another')
  for (const [topicId, code] of [[id, 'UNKNOWN_TOPIC_ID'] as const, [again, 'NONE'] as const]) {
    const found = await client.send(fetch, 13, fetchOf(topicId))
    t.equal(nameOf(found.responses[0]?.partitions[0]?.errorCode), code)
  }
})

worldTest(t, 'DescribeCluster names the brokers', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  for (const version of [0, 1]) {
    const asked = { includeClusterAuthorizedOperations: false }
    const found = await client.send(describeCluster, version, asked)
    t.match(found, { errorCode: 0, controllerId: 1, brokers: [{ brokerId: 1 }] })
  }
  const asked = { includeClusterAuthorizedOperations: false, endpointType: 2 }
  const { errorCode } = await client.send(describeCluster, 1, asked)
  t.equal(nameOf(errorCode), 'UNSUPPORTED_ENDPOINT_TYPE')
})

// --- Produce and Fetch ---------------------------------------------------------------------------

worldTest(t, 'records are stored and read in every version', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const topicId = await newTopic(client, 'all')
  for (const [i, version] of versions(3, 9).entries()) {
    const { responses } = await client.send(produce, version, produceTo('all', batchOf(1)))
    const [found] = responses[0]?.partitionResponses ?? []
    t.match(found, { index: 0, errorCode: 0, baseOffset: i, logAppendTimeMs: -1 })
    if (version >= 5) t.equal(found?.logStartOffset, 0)
  }
  for (const version of versions(4, 16)) {
    const asked = fetchOf(version < 13 ? 'all' : topicId, { fetchOffset: 2 })
    const { responses, errorCode, sessionId } = await client.send(fetch, version, asked)
    t.equal(errorCode, 0)
    t.equal(sessionId, 0)
    const [found] = responses[0]?.partitions ?? []
    t.match(found, { errorCode: 0, highWatermark: 7, lastStableOffset: 7 })
    const records = found?.records ?? Buffer.alloc(0)
    t.equal(decodeBatch(records)[0]?.offset, 2, `version ${version}`)
  }
})

worldTest(t, 'large records are fetched unchanged', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'large', { partitions: 3 })
  const batches = [0, 1, 2].map((index) => batchOf(3, { valueBytes: 100_000 + index }))
  for (const [index, batch] of batches.entries()) {
    await client.send(produce, 7, produceTo('large', Buffer.from(batch), { index }))
  }
  const { topics, ...rest } = fetchOf('large')
  const partitions = [2, 0, 1].map((partition) => ({
    partition,
    fetchOffset: 0,
    partitionMaxBytes: 1_000_000,
  }))
  const asked = { ...rest, topics: topics.map((topic) => ({ ...topic, partitions })) }
  const { responses } = await client.send(fetch, 11, asked)
  for (const { partitionIndex, records } of responses[0]?.partitions ?? []) {
    const sent = batches[partitionIndex] ?? Buffer.alloc(0)
    t.same(records?.subarray(16), sent.subarray(16), `partition ${partitionIndex}`)
  }
})

worldTest(t, 'a fetch from inside a batch returns it whole', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'inside')
  await client.send(produce, 7, produceTo('inside', batchOf(5)))
  const asked = fetchOf('inside', { fetchOffset: 3, maxBytes: 1, partitionMaxBytes: 1 })
  const { responses } = await client.send(fetch, 11, asked)
  const [found] = responses[0]?.partitions ?? []
  t.equal(decodeBatch(found?.records ?? Buffer.alloc(0)).length, 5, 'despite the limits')
})

/** @returns a batch of one record, or several, with this change and a valid checksum */
function changed(change: (batch: Buffer) => void, count = 1): Buffer {
  const batch = batchOf(count)
  change(batch)
  batch.writeUInt32BE(crc32c(batch, 21), 17)
  return batch
}

function withChecksumOf(batch: Buffer): Buffer {
  batch.writeUInt8(batch.readUInt8(60) ^ 1, 60)
  return batch
}

/** A batch of one record whose records are this block. */
function compressed(codec: number, block: Uint8Array): Buffer {
  const batch = Buffer.concat([batchOf(1).subarray(0, 61), block])
  batch.writeInt32BE(batch.length - 12, 8)
  batch.writeInt16BE(codec, 21)
  batch.writeUInt32BE(crc32c(batch, 21), 17)
  return batch
}

/** Where the records of a batch begin. */
const recordsAt = 61

const badBatches: readonly {
  name: string
  batch: Buffer | null
  code: MqErrorCode
  from?: number
}[] = [
  { name: 'no records', batch: null, code: 'INVALID_RECORD' },
  { name: 'a truncated header', batch: Buffer.alloc(20), code: 'CORRUPT_MESSAGE' },
  { name: 'no bytes', batch: Buffer.alloc(0), code: 'INVALID_RECORD' },
  { name: 'a batch cut short', batch: batchOf(1).subarray(0, 65), code: 'INVALID_RECORD' },
  {
    name: 'a negative size',
    batch: changed((b) => b.writeInt32BE(-1, 8)),
    code: 'CORRUPT_MESSAGE',
  },
  {
    name: 'a size beyond the bytes',
    batch: changed((b) => b.writeInt32BE(2 ** 31 - 1, 8)),
    code: 'INVALID_RECORD',
  },
  {
    name: 'a size of less than a header',
    batch: changed((b) => b.writeInt32BE(30, 8)).subarray(0, 42),
    code: 'CORRUPT_MESSAGE',
  },
  {
    name: 'a base offset',
    batch: changed((b) => b.writeInt32BE(7, 4)),
    code: 'INVALID_RECORD',
  },
  { name: 'magic 3', batch: changed((b) => b.writeInt8(3, 16)), code: 'CORRUPT_MESSAGE' },
  { name: 'magic 1', batch: changed((b) => b.writeInt8(1, 16)), code: 'INVALID_RECORD' },
  { name: 'magic 0', batch: changed((b) => b.writeInt8(0, 16)), code: 'INVALID_RECORD' },
  { name: 'a wrong checksum', batch: withChecksumOf(batchOf(1)), code: 'CORRUPT_MESSAGE' },
  { name: 'two batches', batch: Buffer.concat([batchOf(1), batchOf(1)]), code: 'INVALID_RECORD' },
  {
    name: 'a control batch',
    batch: changed((b) => b.writeInt16BE(0x20, 21)),
    code: 'INVALID_RECORD',
  },
  {
    name: 'a transactional batch',
    batch: changed((b) => b.writeInt16BE(0x10, 21)),
    code: 'INVALID_TXN_STATE',
  },
  {
    name: 'an unknown codec',
    batch: changed((b) => b.writeInt16BE(5, 21)),
    code: 'UNSUPPORTED_COMPRESSION_TYPE',
  },
  {
    name: 'zstd from an old client',
    batch: changed((b) => b.writeInt16BE(4, 21)),
    code: 'UNSUPPORTED_COMPRESSION_TYPE',
    from: 6,
  },
  {
    name: 'no record',
    batch: changed((b) => {
      b.writeInt32BE(-1, 23)
      b.writeInt32BE(0, 57)
    }),
    code: 'INVALID_RECORD',
  },
  {
    name: 'fewer records than counted',
    batch: changed((b) => {
      b.writeInt32BE(1, 23)
      b.writeInt32BE(2, 57)
    }),
    code: 'INVALID_RECORD',
  },
  {
    name: 'offsets that do not rise',
    // Both records have offset delta 0, which follows length, attributes and timestamp delta.
    batch: changed((b) => {
      b[recordsAt + (b.length - recordsAt) / 2 + 3] = 0
    }, 2),
    code: 'INVALID_RECORD',
  },
  {
    name: 'a record longer than its batch',
    batch: changed((b) => {
      b[recordsAt] = 0x7e
    }),
    code: 'INVALID_RECORD',
  },
  {
    name: 'a producer id without a sequence',
    batch: changed((b) => b.writeBigInt64BE(5n, 43)),
    code: 'INVALID_RECORD',
  },
  ...[1, 2, 3, 4].map((codec) => ({
    name: `a damaged block of codec ${codec}`,
    batch: compressed(codec, Buffer.from('this block is damaged')),
    code: 'INVALID_RECORD' as const,
  })),
  {
    name: 'a block without records',
    batch: compressed(1, gzipSync(Buffer.from('text, and no record'))),
    code: 'INVALID_RECORD',
  },
  {
    name: 'a wrong record count',
    batch: changed((b) => b.writeInt32BE(2, 57)),
    code: 'INVALID_RECORD',
  },
  {
    name: 'more bytes than allowed',
    batch: batchOf(1, { valueBytes: 2_000_000 }),
    code: 'MESSAGE_TOO_LARGE',
  },
]

worldTest(
  t,
  'a refused batch does not affect the others of its request',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    await newTopic(client, 'bad', { partitions: 2 })
    for (const [i, { name, batch, code, from = 7 }] of badBatches.entries()) {
      const topicData = [
        {
          name: 'bad',
          partitionData: [
            { index: 0, records: batch },
            { index: 1, records: batchOf(1) },
          ],
        },
      ]
      const asked = { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
      const { responses } = await client.send(produce, from, asked)
      const [bad, good] = responses[0]?.partitionResponses ?? []
      t.equal(nameOf(bad?.errorCode), code, name)
      t.equal(bad?.baseOffset, -1)
      t.match(good, { index: 1, errorCode: 0, baseOffset: i }, `${name}: the other batch is stored`)
    }
  },
)

/** Made before there is a broker, whose session it would cost. */
const bomb = compressed(1, gzipSync(Buffer.alloc(100_000_000)))

worldTest(t, 'a bomb is stored like any batch, unopened', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'bomb')
  const { responses } = await client.send(produce, 7, produceTo('bomb', Buffer.from(bomb)))
  t.match(responses[0]?.partitionResponses[0], { errorCode: 0, baseOffset: 0 })
  const found = await client.send(fetch, 11, fetchOf('bomb'))
  const records = found.responses[0]?.partitions[0]?.records
  t.ok(records?.subarray(21).equals(bomb.subarray(21)))
})

const badProduces: readonly {
  readonly name: string
  readonly code: MqErrorCode
  readonly request: Parameters<typeof producing>[1]
}[] = [
  { name: 'acks 2', request: { acks: 2 }, code: 'INVALID_REQUIRED_ACKS' },
  {
    name: 'a topic that does not exist',
    request: { topic: 'x' },
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  },
  {
    name: 'a partition that does not exist',
    request: { index: 9 },
    code: 'UNKNOWN_TOPIC_OR_PARTITION',
  },
  { name: 'partition -1', request: { index: -1 }, code: 'UNKNOWN_TOPIC_OR_PARTITION' },
  {
    name: 'a transactional id',
    request: { transactionalId: 'tx' },
    code: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  },
]

async function producing(
  client: KafkaClient,
  {
    topic = 'p',
    index = 0,
    acks = -1,
    transactionalId = null,
  }: {
    readonly topic?: string
    readonly index?: number
    readonly acks?: number
    readonly transactionalId?: string | null
  },
): Promise<string | undefined> {
  const { topicData, timeoutMs } = produceTo(topic, batchOf(1), { index })
  const asked = { topicData, timeoutMs, acks, transactionalId }
  const { responses } = await client.send(produce, 9, asked)
  return nameOf(responses[0]?.partitionResponses[0]?.errorCode)
}

worldTest(t, 'refused produce requests', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'p')
  for (const { name, request, code } of badProduces) {
    t.equal(await producing(client, request), code, name)
  }
})

const id = 4711 as ProducerId

/** One batch of a producer. @returns the error and the offset */
async function ofProducer(
  client: KafkaClient,
  [producerEpoch, baseSequence]: readonly [number, number],
): Promise<readonly [string | undefined, number | undefined]> {
  const record = { key: null, value: Buffer.from('v'), timestampMs: 1, headers: [] }
  const batch = encodeBatch({ producerId: id, producerEpoch, baseSequence, records: [record] })
  const { responses } = await client.send(produce, 9, produceTo('p', batch))
  const [found] = responses[0]?.partitionResponses ?? []
  return [nameOf(found?.errorCode), found?.baseOffset]
}

worldTest(t, 'a producer is fenced, and its sequence checked', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'p')
  t.same(await ofProducer(client, [3, 0]), ['NONE', 0])
  t.same(await ofProducer(client, [3, 0]), ['NONE', 0], 'a retry is recognised')
  t.same(await ofProducer(client, [3, 2]), ['OUT_OF_ORDER_SEQUENCE_NUMBER', -1], 'at once')
  t.same(await ofProducer(client, [3, 1]), ['NONE', 1])
  t.same(await ofProducer(client, [4, 1]), ['OUT_OF_ORDER_SEQUENCE_NUMBER', -1])
  t.same(await ofProducer(client, [4, 0]), ['NONE', 2])
  t.same(await ofProducer(client, [3, 2]), ['INVALID_PRODUCER_EPOCH', -1], 'its epoch is over')
})

worldTest(t, 'producers and log sizes are described', { brokers: 2 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'p', { replicas: 2 })
  const { topics } = await client.send(metadata, 5, { topics: [{ name: 'p' }] })
  const leader = topics[0]?.partitions[0]?.leaderId ?? 0
  const [asked, other] = [kafkaClient(world, leader), kafkaClient(world, 3 - leader)]
  for (const sequence of [0, 1]) t.same(await ofProducer(asked, [3, sequence]), ['NONE', sequence])
  const wanted = { topics: [{ name: 'p', partitionIndexes: [0, 7] }] }
  const described = await asked.send(describeProducers, 0, wanted)
  t.match(described.topics[0]?.partitions, [
    { errorCode: 0, activeProducers: [{ producerId: id, producerEpoch: 3, lastSequence: 1 }] },
    { errorCode: mqErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, activeProducers: [] },
  ])
  const elsewhere = await other.send(describeProducers, 0, wanted)
  const [partition] = elsewhere.topics[0]?.partitions ?? []
  t.equal(nameOf(partition?.errorCode), 'NOT_LEADER_OR_FOLLOWER')
  for (const version of versions(0, 4)) {
    for (const asks of [null, [{ topic: 'p', partitions: [0, 7] }]]) {
      const { results } = await asked.send(describeLogDirs, version, { topics: asks })
      t.match(results, [{ errorCode: 0, topics: [{ name: 'p' }] }])
      const [row, ...more] = results[0]?.topics[0]?.partitions ?? []
      t.match(row, { partitionIndex: 0, offsetLag: 0, isFutureKey: false })
      t.ok((row?.partitionSize ?? 0) > 2 * recordsAt, 'both batches')
      t.same(more, [])
    }
  }
})

worldTest(t, 'the time of an append is answered', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const configs = [{ name: 'message.timestamp.type', value: 'LogAppendTime' }]
  t.same(await creating(client, 7, [{ name: 'timed', configs }]), ['NONE'])
  const { responses } = await client.send(produce, 7, produceTo('timed', batchOf(2)))
  const time = responses[0]?.partitionResponses[0]?.logAppendTimeMs
  const found = await client.send(fetch, 11, fetchOf('timed'))
  const records = decodeBatch(found.responses[0]?.partitions[0]?.records ?? Buffer.alloc(0))
  t.same(
    records.map(({ timestampMs }) => timestampMs),
    [time, time],
  )
})

worldTest(
  t,
  'a record whose time is out of bounds refuses its batch, which takes no sequence',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    const configs = [{ name: 'message.timestamp.before.max.ms', value: '3600000' }]
    t.same(await creating(client, 7, [{ name: 'recent', configs }]), ['NONE'])
    const now = Date.now()
    const sending = async (version: number, baseSequence: number, times: readonly number[]) => {
      const records = times.map((timestampMs) => {
        return { key: null, value: Buffer.from('v'), timestampMs, headers: [] }
      })
      const batch = encodeBatch({ producerId: id, producerEpoch: 0, baseSequence, records })
      const { responses } = await client.send(produce, version, produceTo('recent', batch))
      const [found] = responses[0]?.partitionResponses ?? []
      t.equal(found?.logAppendTimeMs, -1)
      return { ...found, error: nameOf(found?.errorCode) }
    }
    t.match(await sending(9, 0, [now, now]), { error: 'NONE', baseOffset: 0, recordErrors: [] })
    for (const version of [8, 9]) {
      t.match(await sending(version, 2, [now, 5, now]), {
        error: 'INVALID_TIMESTAMP',
        baseOffset: -1,
        errorMessage: /^Cannot produce to recent\/0: 1 of 3 records .* timestamp 5 is before/,
        recordErrors: [{ batchIndex: 1, batchIndexErrorMessage: /timestamp 5 is before/ }],
      })
    }
    t.match(await sending(7, 2, [5]), { error: 'INVALID_TIMESTAMP', recordErrors: [] })
    t.match(await sending(9, 2, [now]), { error: 'NONE', baseOffset: 2 }, 'the next sequence')
  },
)

worldTest(t, 'a broker that does not lead refuses', { brokers: 2 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'led', { replicas: 2 })
  const { topics } = await client.send(metadata, 5, { topics: [{ name: 'led' }] })
  const leader = topics[0]?.partitions[0]?.leaderId
  const other = kafkaClient(world, leader === 1 ? 2 : 1)
  t.equal(await producing(other, { topic: 'led' }), 'NOT_LEADER_OR_FOLLOWER')
  const partitions = [{ partitionIndex: 0, timestamp: -1 }]
  const asked = { replicaId: -1, topics: [{ name: 'led', partitions }] }
  const listed = await other.send(listOffsets, 7, asked)
  t.equal(nameOf(listed.topics[0]?.partitions[0]?.errorCode), 'NOT_LEADER_OR_FOLLOWER')
  const old = await other.send(fetch, 10, fetchOf('led'))
  t.equal(nameOf(old.responses[0]?.partitions[0]?.errorCode), 'NOT_LEADER_OR_FOLLOWER')
  const young = await other.send(fetch, 11, fetchOf('led'))
  t.equal(nameOf(young.responses[0]?.partitions[0]?.errorCode), 'NONE', 'followers may be read')
})

worldTest(t, 'refused fetches', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const topicId = await newTopic(client, 'f')
  await client.send(produce, 7, produceTo('f', batchOf(3)))
  const fetching = async (version: number, topic: string, more: Parameters<typeof fetchOf>[1]) => {
    // A valid fetch would wait.
    const asked = fetchOf(topic, { maxWaitMs: 20_000, minBytes: 1_000_000, ...more })
    const { responses } = await client.send(fetch, version, asked)
    const [found] = responses[0]?.partitions ?? []
    t.equal(found?.records?.length, 0)
    return nameOf(found?.errorCode)
  }
  t.equal(await fetching(11, 'f', { fetchOffset: 4 }), 'OFFSET_OUT_OF_RANGE')
  t.equal(await fetching(11, 'f', { fetchOffset: -7 }), 'OFFSET_OUT_OF_RANGE')
  t.equal(await fetching(11, 'f', { fetchOffset: 2 ** 53 - 1 }), 'OFFSET_OUT_OF_RANGE')
  t.equal(await fetching(11, 'x', {}), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await fetching(11, 'f', { partition: 5 }), 'UNKNOWN_TOPIC_OR_PARTITION')
  t.equal(await fetching(13, strangeId, {}), 'UNKNOWN_TOPIC_ID')
  t.equal(await fetching(13, noUuid, {}), 'UNKNOWN_TOPIC_ID')
  t.equal(await fetching(11, 'f', { currentLeaderEpoch: 99 }), 'UNKNOWN_LEADER_EPOCH')
  t.equal(await fetching(13, topicId, { currentLeaderEpoch: 99 }), 'UNKNOWN_LEADER_EPOCH')
})

worldTest(t, 'a fetch session names what has news', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const topicId = await newTopic(client, 's', { partitions: 3 })
  const partition = (at: number, fetchOffset = 0) => ({
    ...{ partition: at, fetchOffset, partitionMaxBytes: 1_000_000 },
  })
  const all = [{ topicId, partitions: [0, 1, 2].map((at) => partition(at)) }]
  const fetching = async (sessionId: number, sessionEpoch: number, changes: object = {}) => {
    const asked = { replicaId: -1, maxWaitMs: 0, minBytes: 0, maxBytes: 2 ** 20, isolationLevel: 0 }
    const request = { ...asked, sessionId, sessionEpoch, topics: [], ...changes }
    const found = await client.send(fetch, 13, request)
    const named = found.responses.flatMap(({ topicId: id, partitions }) => {
      t.equal(id, topicId)
      return partitions.map((one) => [one.partitionIndex, one.highWatermark, one.records?.length])
    })
    return { error: nameOf(found.errorCode), sessionId: found.sessionId, named }
  }
  const quiet = [0, 1, 2].map((at) => [at, 0, 0])
  const { sessionId, ...first } = await fetching(0, 0, { topics: all })
  t.same(first, { error: 'NONE', named: quiet })
  t.ok(sessionId > 0)
  t.same(await fetching(sessionId, 1), { error: 'NONE', sessionId, named: [] }, 'all are quiet')
  await client.send(produce, 7, produceTo('s', batchOf(3)))
  const { named } = await fetching(sessionId, 2)
  t.match(named, [[0, 3]])
  t.equal(named.length, 1)
  t.same((await fetching(sessionId, 3)).named, named, 'until the client has read them')
  const read = { topics: [{ topicId, partitions: [partition(0, 3)] }] }
  t.same((await fetching(sessionId, 4, read)).named, [])
  const forgotten = { forgottenTopicsData: [{ topicId, partitions: [0] }] }
  t.same((await fetching(sessionId, 5, forgotten)).named, [])
  await client.send(produce, 7, produceTo('s', batchOf(1)))
  t.same((await fetching(sessionId, 6)).named, [])
  const none = { sessionId: 0, named: [] }
  t.same(await fetching(sessionId, 6), { error: 'INVALID_FETCH_SESSION_EPOCH', ...none })
  t.same(await fetching(sessionId, -1, { topics: all }), {
    ...{ error: 'NONE', sessionId: 0, named: (await fetching(0, -1, { topics: all })).named },
  })
  t.same(await fetching(sessionId, 7), { error: 'FETCH_SESSION_ID_NOT_FOUND', ...none })
  t.same(await fetching(0, 3), { error: 'FETCH_SESSION_ID_NOT_FOUND', ...none })
})

// --- offsets, ids --------------------------------------------------------------------------------

worldTest(t, 'ListOffsets: start and end of a log', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'l')
  await client.send(produce, 7, produceTo('l', batchOf(3)))
  const listing = async (version: number, timestamp: number, currentLeaderEpoch = -1) => {
    const partitions = [{ partitionIndex: 0, timestamp, currentLeaderEpoch }]
    const asked = { replicaId: -1, topics: [{ name: 'l', partitions }] }
    const { topics } = await client.send(listOffsets, version, asked)
    const { errorCode, offset } = topics[0]?.partitions[0] ?? {}
    return [nameOf(errorCode), offset]
  }
  for (const version of versions(1, 7)) {
    t.same(await listing(version, -1), ['NONE', 3], `version ${version}`)
    t.same(await listing(version, -2), ['NONE', 0])
    t.same(await listing(version, 1_600_000_000_000), ['NONE', 0])
    t.same(await listing(version, 1_800_000_000_000), ['NONE', -1], 'no record is that late')
  }
  t.same(await listing(7, -3), ['NONE', 0], 'the latest timestamp')
  t.same(await listing(7, -9), ['UNSUPPORTED_VERSION', -1])
  t.same(await listing(7, -1, 99), ['UNKNOWN_LEADER_EPOCH', -1])
})

worldTest(t, 'OffsetForLeaderEpoch: the end of an epoch', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'e')
  await client.send(produce, 7, produceTo('e', batchOf(3)))
  const found = await client.send(metadata, 7, { topics: [{ name: 'e' }] })
  const current = found.topics[0]?.partitions[0]?.leaderEpoch ?? -1
  for (const version of versions(2, 4)) {
    const ask = async (partition: number, leaderEpoch: number) => {
      const partitions = [{ partition, currentLeaderEpoch: -1, leaderEpoch }]
      const asked = { topics: [{ topic: 'e', partitions }] }
      const { topics } = await client.send(offsetForLeaderEpoch, version, asked)
      const { errorCode, endOffset } = topics[0]?.partitions[0] ?? {}
      return [nameOf(errorCode), endOffset]
    }
    t.same(await ask(0, current), ['NONE', 3])
    t.same(await ask(9, current), ['UNKNOWN_TOPIC_OR_PARTITION', -1])
  }
})

worldTest(t, 'InitProducerId: each producer gets its own id', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const ids = new Set<number>()
  for (const version of versions(0, 4)) {
    const asked = { transactionalId: null, transactionTimeoutMs: 1000 }
    const found = await client.send(initProducerId, version, asked)
    t.match(found, { errorCode: 0, producerEpoch: 0 })
    ids.add(found.producerId)
  }
  t.equal(ids.size, 5)
  const asked = { transactionalId: 'tx', transactionTimeoutMs: 1000 }
  const { errorCode } = await client.send(initProducerId, 4, asked)
  t.equal(nameOf(errorCode), 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
})

worldTest(t, 'FindCoordinator: not for transactions', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  const young = await client.send(findCoordinator, 4, { keyType: 1, coordinatorKeys: ['a', 'b'] })
  t.same(
    young.coordinators.map(({ key, errorCode }) => [key, nameOf(errorCode)]),
    [
      ['a', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
      ['b', 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED'],
    ],
  )
  const strange = await client.send(findCoordinator, 2, { key: 'a', keyType: 7 })
  t.equal(nameOf(strange.errorCode), 'INVALID_REQUEST')
})

// --- CreateTopics --------------------------------------------------------------------------------

interface NewTopicRow {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: readonly { partitionIndex: number; brokerIds: readonly number[] }[]
  readonly configs?: readonly { name: string; value: string }[]
}

async function creating(
  client: KafkaClient,
  version: number,
  rows: readonly NewTopicRow[],
  { validateOnly = false, timeoutMs = 30_000 } = {},
): Promise<(string | undefined)[]> {
  const topics = rows.map((row) => ({
    name: row.name,
    numPartitions: row.numPartitions ?? -1,
    replicationFactor: row.replicationFactor ?? -1,
    assignments: row.assignments ?? [],
    configs: row.configs ?? [],
  }))
  const asked = { topics, timeoutMs, validateOnly }
  const answer = await client.send(createTopics, version, asked)
  t.same(
    answer.topics.map(({ name }) => name),
    [...new Set(rows.map(({ name }) => name))],
  )
  return answer.topics.map(({ errorCode }) => nameOf(errorCode))
}

worldTest(t, 'CreateTopics: each topic has its own result', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  for (const version of versions(0, 7)) {
    const found = await creating(client, version, [{ name: `v${version}` }, { name: 'no/name' }])
    t.same(found, ['NONE', 'INVALID_TOPIC_EXCEPTION'], `version ${version}`)
  }
  const found = await creating(client, 7, [
    { name: 'v0' },
    { name: 'many', replicationFactor: 5 },
    { name: 'none', numPartitions: 0 },
    { name: 'twice' },
    { name: 'twice' },
    { name: 'placed', assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
    { name: 'far', assignments: [{ partitionIndex: 0, brokerIds: [2] }] },
    { name: 'gap', assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
    { name: 'set', configs: [{ name: 'cleanup.policy', value: 'compact' }] },
    { name: 'unset', configs: [{ name: 'cleanup.policy', value: 'shred' }] },
  ])
  t.same(found, [
    'TOPIC_ALREADY_EXISTS',
    'INVALID_REPLICATION_FACTOR',
    'INVALID_PARTITIONS',
    'INVALID_REQUEST',
    'NONE',
    'INVALID_REPLICA_ASSIGNMENT',
    'INVALID_REPLICA_ASSIGNMENT',
    'NONE',
    'INVALID_CONFIG',
  ])
})

worldTest(
  t,
  'a client that does not wait gets its topics and partitions, and loses them, too',
  unhurried,
  async (t, world) => {
    const client = kafkaClient(world)
    for (const timeoutMs of [0, -1]) {
      const rows = [
        { name: `made${timeoutMs}` },
        { name: 'set', configs: [{ name: 'no.such.key', value: 'x' }] },
      ]
      t.same(await creating(client, 4, rows, { timeoutMs }), ['NONE', 'INVALID_CONFIG'])
    }
    const { topics } = await client.send(metadata, 5, { topics: null })
    t.same(
      topics.map(({ name }) => name),
      ['made-1', 'made0'],
    )
    const grown = [{ name: 'made0', count: 2, assignments: null }]
    const asked = { topics: grown, timeoutMs: 0, validateOnly: false }
    const more = await client.send(createPartitions, 1, asked)
    t.match(more.results, [{ name: 'made0', errorCode: 0 }])
    const doomed = await client.send(deleteTopics, 1, { topicNames: ['made0'], timeoutMs: 0 })
    t.match(doomed.responses, [{ name: 'made0', errorCode: 0 }])
  },
)

worldTest(t, 'a topic that is named twice is answered once', unhurried, async (t, world) => {
  const client = kafkaClient(world)
  const topicId = await newTopic(client, 'a')
  const [timeoutMs, validateOnly] = [0, false]
  const refused = { name: 'a', errorCode: mqErrorCodes.INVALID_REQUEST }
  const row = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
  const made = ['a', 'b', 'a'].map((name) => ({ name, ...row }))
  const created = await client.send(createTopics, 4, { topics: made, timeoutMs, validateOnly })
  t.match(created.topics, [refused, { name: 'b', errorCode: 0 }])
  const grown = ['a', 'b', 'a'].map((name) => ({ name, count: 2, assignments: null }))
  const more = await client.send(createPartitions, 1, { topics: grown, timeoutMs, validateOnly })
  t.match(more.results, [refused, { name: 'b', errorCode: 0 }])
  const doomed = { topicNames: ['a', 'b', 'a'], timeoutMs }
  const deleted = await client.send(deleteTopics, 1, doomed)
  t.match(deleted.responses, [refused, { name: 'b', errorCode: 0 }])
  const byId = [topicId, topicId].map((id) => ({ name: null, topicId: id }))
  const { responses } = await client.send(deleteTopics, 6, { topics: byId, timeoutMs })
  t.match(responses, [{ topicId, errorCode: mqErrorCodes.INVALID_REQUEST }])
  for (const { length } of [created.topics, more.results, deleted.responses]) t.equal(length, 2)
  t.equal(responses.length, 1)
})

worldTest(t, 'CreateTopics: validateOnly creates nothing', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'old')
  const rows = [{ name: 'new' }, { name: 'old' }, { name: 'many', replicationFactor: 5 }]
  t.same(await creating(client, 5, rows, { validateOnly: true }), [
    'NONE',
    'TOPIC_ALREADY_EXISTS',
    'INVALID_REPLICATION_FACTOR',
  ])
  const { topics } = await client.send(metadata, 5, { topics: null })
  t.same(
    topics.map(({ name }) => name),
    ['old'],
  )
})

// --- DeleteRecords -------------------------------------------------------------------------------

worldTest(
  t,
  'DeleteRecords: a topic that is only compacted keeps its records',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    const configs = [{ name: 'cleanup.policy', value: 'compact' }]
    t.same(await creating(client, 7, [{ name: 'c', numPartitions: 1, configs }]), ['NONE'])
    const topics = [{ name: 'c', partitions: [{ partitionIndex: 0, offset: 0 }] }]
    const answer = await client.send(deleteRecords, 1, { topics, timeoutMs: 5000 })
    t.equal(nameOf(answer.topics[0]?.partitions[0]?.errorCode), 'POLICY_VIOLATION')
  },
)

worldTest(t, 'DeleteRecords: moves the start of a log', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'd')
  await client.send(produce, 9, produceTo('d', batchOf(5)))
  for (const [version, offset, want] of [
    [0, 2, { lowWatermark: 2n, code: 'NONE' }],
    [1, 6, { lowWatermark: -1n, code: 'OFFSET_OUT_OF_RANGE' }],
    [2, -1, { lowWatermark: 5n, code: 'NONE' }],
  ] as const) {
    const topics = [{ name: 'd', partitions: [{ partitionIndex: 0, offset }] }]
    const answer = await client.send(deleteRecords, version, { topics, timeoutMs: 5000 })
    const [deleted] = answer.topics[0]?.partitions ?? []
    t.equal(nameOf(deleted?.errorCode), want.code, `version ${version}`)
    t.equal(BigInt(deleted?.lowWatermark ?? 0), want.lowWatermark)
  }
  const read = await client.send(fetch, 12, fetchOf('d', { fetchOffset: 4 }))
  t.equal(nameOf(read.responses[0]?.partitions[0]?.errorCode), 'OFFSET_OUT_OF_RANGE')
})
