// Requests of every api in every version, with values that no client sends, and such requests with bytes
// changed, cut off or added: at most their own connection is closed. SEED=n repeats a run.

import fc from 'fast-check'
import t from 'tap'
import { apiVersions } from '../../../src/protocol/kafka/api/api-versions.ts'
import { saslHandshake } from '../../../src/protocol/kafka/api/sasl-handshake.ts'
import { kafkaApis } from '../../../src/protocol/kafka/apis.ts'
import { KafkaWriter } from '../../../src/protocol/kafka/writer.ts'
import {
  type AnyApi,
  arbitraryOf,
  joined,
  type RequestValue,
} from '../../protocol/kafka/all-messages.ts'
import { writeRequest } from '../../protocol/kafka/exchange.ts'
import { worldTest } from '../broker-world.ts'
import { batchOf, newTopic } from './exchanges.ts'
import { kafkaClient } from './kafka-client.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

const runsPerVersion = 3

interface Served {
  readonly name: string
  readonly frames: fc.Arbitrary<Buffer>
}

/** In every version of every api: whole frames, well-formed and not. */
function everyVersion(): Served[] {
  return kafkaApis.flatMap((each) => {
    const api = each as unknown as AnyApi
    const versions = Array.from(
      { length: api.lastVersion - api.firstVersion + 1 },
      (_, i) => api.firstVersion + i,
    )
    return versions.map((version) => ({
      name: `${api.name} v${version}`,
      frames: requestsOf(api, version).chain(damaged),
    }))
  })
}

function requestsOf(api: AnyApi, version: number): fc.Arbitrary<Buffer> {
  return arbitraryOf(api.request.shape, version).map((value) => {
    const to = new KafkaWriter()
    to.beginFrame()
    const options = { version, correlationId: 1, clientId: 'fuzz' }
    writeRequest(to, api, options, likely(value) as RequestValue)
    to.endFrame()
    return joined(to)
  })
}

/** Names and numbers that exist, here and there, so that handlers get beyond their first check. */
function likely(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(likely)
  if (Buffer.isBuffer(value)) return value.length % 3 === 0 ? batchOf(2) : value
  if (typeof value === 'string') return value.length % 2 === 0 ? 'fuzz' : value
  if (typeof value === 'number') return value % 2 === 0 ? value % 3 : value
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
  return Object.fromEntries(
    fields.map(([name, one]) => [name, name === 'topicId' ? one : likely(one)]),
  )
}

/** Half of them as they are. */
function damaged(frame: Buffer): fc.Arbitrary<Buffer> {
  const body = frame.subarray(4)
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 5 })
  const changed = changes.map((each) => {
    const bytes = Buffer.from(body)
    // Not the first byte: it tells the protocol.
    for (const [at, value] of each) bytes[1 + (at % (bytes.length - 1))] = value
    return bytes
  })
  const cut = fc.nat({ max: body.length }).map((length) => body.subarray(0, length))
  const longer = fc.uint8Array({ maxLength: 20 }).map((more) => Buffer.concat([body, more]))
  return fc
    .oneof({ weight: 3, arbitrary: fc.constant(body) }, changed, cut, longer)
    .map((bytes) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(bytes.length)
      return Buffer.concat([size, bytes])
    })
}

worldTest(t, 'no request brings a broker down', { brokers: 1 }, async (t, world) => {
  await newTopic(kafkaClient(world), 'fuzz', { partitions: 3 })
  const other = kafkaClient(world)
  for (const { name, frames } of everyVersion()) {
    await fc.assert(
      fc.asyncProperty(frames, async (frame) => {
        const client = kafkaClient(world)
        client.write(frame)
        const { errorCode } = await other.send(apiVersions, 3, {})
        client.close()
        return errorCode === 0
      }),
      { seed, numRuns: runsPerVersion },
    )
    t.pass(name)
  }
})

worldTest(
  t,
  'no token brings a broker down',
  { brokers: 1, flags: ['--sasl-mechanisms=PLAIN,SCRAM-SHA-256', '--require-sasl'] },
  async (t, world) => {
    const other = kafkaClient(world)
    const tokens = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: fc.constantFrom('n', ',', '=', 'r', 'a', '\0', 'p', 'c'), maxLength: 30 }),
    )
    const version = fc.constantFrom(0, 1)
    await fc.assert(
      fc.asyncProperty(tokens, version, async (token, version) => {
        const client = kafkaClient(world)
        const mechanism = token.length % 2 === 0 ? 'PLAIN' : 'SCRAM-SHA-256'
        await client.send(saslHandshake, version, { mechanism })
        const size = Buffer.alloc(4)
        size.writeInt32BE(Buffer.byteLength(token))
        client.write(Buffer.concat([size, Buffer.from(token)]))
        const { errorCode } = await other.send(apiVersions, 3, {})
        client.close()
        return errorCode === 0
      }),
      { seed, numRuns: 60 },
    )
    t.pass('the broker is up')
  },
)
