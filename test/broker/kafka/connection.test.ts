import fc from 'fast-check'
import t from 'tap'
import { MqAdmin } from '../../../src/client/mq/mq-admin.ts'
import { apiVersions } from '../../../src/protocol/kafka/api/api-versions.ts'
import { fetch } from '../../../src/protocol/kafka/api/fetch.ts'
import { initProducerId } from '../../../src/protocol/kafka/api/init-producer-id.ts'
import { metadata } from '../../../src/protocol/kafka/api/metadata.ts'
import { produce } from '../../../src/protocol/kafka/api/produce.ts'
import { KafkaReader } from '../../../src/protocol/kafka/reader.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import { mqErrorCodes } from '../../../src/protocol/mq/error-codes.ts'
import { joined } from '../../protocol/kafka/all-messages.ts'
import { readResponse, writeRequest } from '../../protocol/kafka/exchange.ts'
import { worldTest } from '../broker-world.ts'
import { batchOf, fetchOf, newTopic, produceTo } from './exchanges.ts'
import { kafkaClient } from './kafka-client.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

worldTest(t, 'the port accepts both protocols', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'both')
  const admin = world.use(new MqAdmin({ brokers: world.addresses }))
  const { topics } = await admin.cluster()
  t.same(
    topics.map(({ topic }) => topic),
    ['both'],
  )
})

worldTest(
  t,
  'ApiVersions is answered in each of its versions',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    for (const version of [0, 1, 2, 3]) {
      const { errorCode, apiKeys } = await client.send(apiVersions, version, {})
      t.equal(errorCode, 0)
      const rowOf = (key: number) => apiKeys.find(({ apiKey }) => apiKey === key)
      t.same(rowOf(18), { apiKey: 18, minVersion: 0, maxVersion: 3 })
      t.same(rowOf(0), { apiKey: 0, minVersion: 0, maxVersion: 9 }, 'else clients do not compress')
    }
  },
)

worldTest(
  t,
  'a future version of ApiVersions is answered in version 0, and the connection stays usable',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    const answer = client.next()
    const to = new KafkaWriter()
    to.beginFrame()
    const options = { version: 3, correlationId: 5, clientId: null }
    writeRequest(to, apiVersions, options, { clientSoftwareName: 'x' })
    to.endFrame()
    const bytes = joined(to)
    bytes.writeInt16BE(99, 6)
    client.write(bytes)
    const body = await answer
    const from = new KafkaReader().reset(body, 0, body.length)
    const { errorCode, apiKeys } = readResponse(from, apiVersions, 0)
    t.equal(errorCode, mqErrorCodes.UNSUPPORTED_VERSION)
    t.ok(apiKeys.some(({ apiKey, maxVersion }) => apiKey === 18 && maxVersion === 3))
    t.equal((await client.send(apiVersions, 3, {})).errorCode, 0)
  },
)

worldTest(
  t,
  'a request that the broker does not serve closes only its own connection',
  { brokers: 1 },
  async (t, world) => {
    const other = kafkaClient(world)
    await other.send(apiVersions, 3, {})
    const header = (key: number, version: number) => {
      const body = Buffer.from('0000000000000007ffff', 'hex')
      body.writeInt16BE(key, 0)
      body.writeInt16BE(version, 2)
      return body
    }
    const refused: readonly [string, Buffer][] = [
      ['an unknown api', header(200, 0)],
      ['a version that is advertised but not served', header(0, 2)],
      ['a future version', header(3, 99)],
      ['a truncated request', header(3, 5)],
      ['a truncated header', Buffer.from('0012', 'hex')],
    ]
    for (const [name, body] of refused) {
      const client = kafkaClient(world)
      const size = Buffer.alloc(4)
      size.writeInt32BE(body.length)
      client.write(Buffer.concat([size, body]))
      await client.closed
      t.equal((await other.send(apiVersions, 3, {})).errorCode, 0, name)
    }
  },
)

worldTest(
  t,
  'responses are sent in the order of the requests while a fetch waits',
  { brokers: 1 },
  async (t, world) => {
    const [client, producer] = [kafkaClient(world), kafkaClient(world)]
    await newTopic(client, 'order')
    const before = client.answered.length
    const waiting = client.send(fetch, 11, fetchOf('order', { maxWaitMs: 60_000 }))
    const later = [
      client.send(metadata, 5, { topics: [] }),
      client.send(apiVersions, 0, {}),
      client.send(metadata, 5, { topics: [] }),
    ]
    await producer.send(produce, 7, produceTo('order', batchOf(1)))
    const { responses } = await waiting
    t.equal(responses[0]?.partitions[0]?.highWatermark, 1)
    await Promise.all(later)
    const ids = client.answered.slice(before)
    t.same(
      ids,
      [...ids].sort((a, b) => a - b),
    )
    t.equal(ids.length, 4)
  },
)

worldTest(
  t,
  'a request does not begin before earlier requests are answered',
  { brokers: 1 },
  async (t, world) => {
    const [client, other] = [kafkaClient(world), kafkaClient(world)]
    await newTopic(client, 'turns')
    const asked = { transactionalId: null, transactionTimeoutMs: 1000 }
    const waiting = client.send(fetch, 11, fetchOf('turns', { maxWaitMs: 60_000 }))
    const held = client.send(initProducerId, 4, asked)
    await other.send(apiVersions, 3, {})
    const { producerId } = await other.send(initProducerId, 4, asked)
    await other.send(produce, 7, produceTo('turns', batchOf(1)))
    await waiting
    t.equal((await held).producerId, producerId + 1, 'its id was allocated later')
  },
)

worldTest(
  t,
  'a produce begins while a fetch of its connection waits, and is answered after it',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    await newTopic(client, 'overlap')
    const waiting = client.send(fetch, 11, fetchOf('overlap', { maxWaitMs: 60_000 }))
    const produced = client.send(produce, 7, produceTo('overlap', batchOf(1)))
    const { responses } = await waiting
    t.equal(responses[0]?.partitions[0]?.highWatermark, 1, 'the produce ends the wait')
    t.equal((await produced).responses[0]?.partitionResponses[0]?.baseOffset, 0)
    t.same(client.answered.slice(-2), [2, 3])
  },
)

worldTest(
  t,
  'a thousand pipelined requests are answered in order',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    const sent = Array.from({ length: 1000 }, (_, i) =>
      i % 3 === 0 ? client.send(metadata, 12, { topics: [] }) : client.send(apiVersions, 3, {}),
    )
    await Promise.all(sent)
    t.same(
      client.answered,
      sent.map((_, i) => i + 1),
    )
  },
)

worldTest(t, 'a produce with acks=0 has no response', { brokers: 1 }, async (t, world) => {
  const client = kafkaClient(world)
  await newTopic(client, 'silent')
  client.post(produce, 7, { ...produceTo('silent', batchOf(1)), acks: 0 })
  const { responses } = await client.send(fetch, 11, fetchOf('silent', { maxWaitMs: 60_000 }))
  t.equal(responses[0]?.partitions[0]?.highWatermark, 1)
  t.same(client.answered, [1, 3])
})

worldTest(
  t,
  'a produce with acks=0 that fails closes the connection',
  { brokers: 1 },
  async (t, world) => {
    const client = kafkaClient(world)
    client.post(produce, 7, { ...produceTo('nowhere', batchOf(1)), acks: 0 })
    await client.closed
    t.same(client.answered, [])
  },
)

worldTest(
  t,
  'random and mutated bytes close at most their own connection',
  { brokers: 1 },
  async (t, world) => {
    const other = kafkaClient(world)
    await newTopic(other, 'fuzz')
    const requests = sampleRequests()
    const byte = fc.nat({ max: 255 })
    const mutated = fc
      .tuple(fc.constantFrom(...requests), fc.array(fc.tuple(fc.nat(), byte), { maxLength: 6 }))
      .map(([original, changes]) => {
        const bytes = Buffer.from(original)
        for (const [at, value] of changes) bytes[4 + (at % (bytes.length - 4))] = value
        return bytes
      })
    const garbage = fc.uint8Array({ minLength: 8, maxLength: 200 }).map((content) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(content.length)
      return Buffer.concat([size, Buffer.of(0), content.subarray(1)])
    })
    const bursts = fc.array(fc.oneof({ weight: 3, arbitrary: mutated }, garbage), {
      minLength: 1,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(bursts, async (frames) => {
        const client = kafkaClient(world)
        for (const frame of frames) client.write(frame)
        const { errorCode } = await other.send(apiVersions, 3, {})
        client.close()
        return errorCode === 0
      }),
      { seed, numRuns: 150 },
    )
    t.equal((await other.send(metadata, 5, { topics: [] })).brokers.length, 1)
  },
)

function sampleRequests(): Buffer[] {
  const to = new KafkaWriter()
  const framed = (write: () => void) => {
    to.clear()
    to.beginFrame()
    write()
    to.endFrame()
    return Buffer.from(joined(to))
  }
  const options = (version: number) => ({ version, correlationId: 1, clientId: 'x' })
  return [
    framed(() => writeRequest(to, apiVersions, options(3), {})),
    framed(() => writeRequest(to, metadata, options(5), { topics: null })),
    framed(() => writeRequest(to, metadata, options(12), { topics: [{ name: 'fuzz' }] })),
    framed(() => writeRequest(to, produce, options(9), produceTo('fuzz', batchOf(3)))),
    framed(() => writeRequest(to, fetch, options(11), fetchOf('fuzz', { maxWaitMs: 1 }))),
    framed(() => writeRequest(to, fetch, options(4), fetchOf('fuzz', { maxWaitMs: 1 }))),
  ]
}
