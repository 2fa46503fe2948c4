import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import { BrokerError, isRetriable, mqErrorCodeOf } from '../../../src/protocol/mq/error-codes.ts'
import {
  type BrokerId,
  type DirectoryId,
  decodeMqHello,
  decodeMqWelcome,
  decodeResponseHeader,
  encodeMqError,
  encodeMqHello,
  encodeMqWelcome,
  type MqHello,
  type MqRequest,
  type MqResponse,
  mqProtocolVersion,
  noBroker,
} from '../../../src/protocol/mq/messages.ts'
import {
  decodeMqRequest,
  decodeMqResponse,
  encodeMqRequest,
  encodeMqResponse,
} from '../../../src/protocol/mq/native.ts'
import type { ProducerId } from '../../../src/protocol/mq/record-batch.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { Random } from '../../../src/random.ts'

const id = (n: number) => n as BrokerId
const at = { topic: 'goals', partition: 3 }

const requests: MqRequest[] = [
  {
    type: 'produce',
    ...at,
    acks: 'all',
    timeoutMs: 5000,
    passedOn: true,
    batch: Buffer.from('xyz'),
  },
  { type: 'produce', ...at, acks: 'none', timeoutMs: 0, passedOn: false, batch: Buffer.alloc(0) },
  { type: 'fetch', ...at, offset: 2 ** 40, maxWaitMs: 500, bytesMax: 1, passedOn: false },
  { type: 'fetch', ...at, offset: -1, maxWaitMs: 500, bytesMax: 1, passedOn: false },
  { type: 'fetch', ...at, offset: 2 ** 53, maxWaitMs: 500, bytesMax: 1, passedOn: false },
  {
    type: 'replicaFetch',
    life: { directory: 'abc' as DirectoryId, brokerEpoch: 2 ** 33 },
    maxWaitMs: 500,
    bytesMax: 9,
    partitions: [{ ...at, leaderEpoch: 4, offset: 7, lastEpoch: -1, highWatermark: 5 }],
  },
  { type: 'listOffsets', ...at, passedOn: true },
  { type: 'leaderEpochEnd', ...at, epoch: 3 },
  { type: 'metadata', topics: undefined },
  { type: 'metadata', topics: [] },
  { type: 'metadata', topics: ['a', 'ü'] },
  { type: 'createTopic', topic: 'a', partitionCount: -1, replicationFactor: 3, timeoutMs: 1 },
  { type: 'initProducerId' },
  { type: 'commitOffset', group: 'g', ...at, offset: 12, version: -1, timeoutMs: 300 },
  { type: 'commitOffset', group: 'g', ...at, offset: -1, version: 2, timeoutMs: 0 },
  { type: 'committedOffset', group: 'g', ...at },
  { type: 'recoveryChoices', ...at },
  { type: 'recover', ...at, leader: id(2), version: 7 },
]

const fetched = { highWatermark: 8, logStart: 0, records: Buffer.from('batches') }
const responses: MqResponse[] = [
  { type: 'produce', baseOffset: 2 ** 33 },
  { type: 'fetch', ...fetched },
  {
    type: 'replicaFetch',
    partitions: [
      { ...at, code: 'NONE', diverging: undefined, ...fetched },
      { ...at, code: 'FENCED_LEADER_EPOCH', diverging: { epoch: -1, endOffset: 0 }, ...fetched },
    ],
  },
  { type: 'listOffsets', earliest: 0, latest: 9 },
  { type: 'leaderEpochEnd', epoch: -1, endOffset: -1 },
  { type: 'recover', leaderEpoch: 8 },
  {
    type: 'recoveryChoices',
    found: {
      version: 7,
      leader: noBroker,
      leaderEpoch: 3,
      choices: [
        {
          broker: id(1),
          condition: 'tail-cut',
          isInSync: true,
          isEligible: false,
          mayLead: true,
          lastEpoch: -1,
          end: 2 ** 40,
          highWatermark: 3,
          losesAtMost: 0,
          detail: '',
        },
        {
          broker: id(2),
          condition: 'away',
          isInSync: false,
          isEligible: true,
          mayLead: false,
          lastEpoch: -1,
          end: undefined,
          highWatermark: undefined,
          losesAtMost: undefined,
          detail: 'EMFILE',
        },
      ],
    },
  },
  {
    type: 'metadata',
    cluster: {
      clusterId: 'abc',
      controller: noBroker,
      brokers: [{ id: id(0), host: '127.0.0.1', port: 9092 }],
      topics: [
        {
          topic: 'goals',
          topicId: 'xyz',
          problem: undefined,
          partitions: [
            {
              partition: 0,
              leader: noBroker,
              leaderEpoch: 3,
              replicas: [id(1), id(2)],
              isr: [id(2)],
              problems: [{ broker: id(1), reason: 'EMFILE' }],
            },
          ],
        },
      ],
    },
  },
  { type: 'createTopic', topicId: 'xyz' },
  { type: 'initProducerId', producerId: 4000 as ProducerId, producerEpoch: 0 },
  { type: 'commitOffset', version: 3 },
  { type: 'committedOffset', offset: undefined, version: -1 },
  { type: 'committedOffset', offset: 0, version: 7 },
]

function written(write: (out: MsgpackWriter) => void): MsgpackReader {
  const out = new MsgpackWriter()
  write(out)
  return new MsgpackReader().reset(Buffer.from(out.view()), 0, out.length)
}

for (const [i, request] of requests.entries()) {
  t.test(`request ${i} (${request.type}) is read as written`, async (t) => {
    const reader = written((out) => encodeMqRequest(out, 42, request))
    t.strictSame(decodeMqRequest(reader), { correlationId: 42, request })
  })
}

for (const [i, response] of responses.entries()) {
  t.test(`response ${i} (${response.type}) is read as written`, async (t) => {
    const reader = written((out) => encodeMqResponse(out, 43, response))
    const header = { correlationId: 43, code: 'NONE', message: '', bounds: undefined }
    t.same(decodeResponseHeader(reader), header)
    t.strictSame(decodeMqResponse(reader, response.type), response)
  })
}

t.test('an error response carries its code and its sentence', async (t) => {
  const error = new BrokerError('NOT_LEADER_OR_FOLLOWER', 'Cannot append: 2 leads')
  const reader = written((out) => encodeMqError(out, 1, error))
  const want = { correlationId: 1, code: error.code, message: error.message, bounds: undefined }
  t.strictSame(decodeResponseHeader(reader), want)
  t.ok(error.retriable)
  t.notOk(isRetriable('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  t.equal(mqErrorCodeOf(12345), 'UNKNOWN_SERVER_ERROR')
})

t.test('an offset out of range comes with both bounds', async (t) => {
  const bounds = { start: 3, end: 2 ** 40 }
  const error = new BrokerError('OFFSET_OUT_OF_RANGE', 'Cannot fetch', { bounds })
  const reader = written((out) => encodeMqError(out, 1, error))
  t.match(decodeResponseHeader(reader), { code: 'OFFSET_OUT_OF_RANGE', bounds })
  reader.expectEnd()
})

t.test('hello and welcome are read as written', async (t) => {
  const hello: MqHello = {
    version: mqProtocolVersion,
    role: 'broker',
    clusterId: undefined,
    name: 'broker 2',
    brokerId: id(2),
    brokerEpoch: 2 ** 35,
  }
  t.strictSame(decodeMqHello(written((out) => encodeMqHello(out, hello))), hello)
  const welcome = { version: mqProtocolVersion, clusterId: 'abc', brokerId: id(1) }
  t.strictSame(decodeMqWelcome(written((out) => encodeMqWelcome(out, welcome))), welcome)
})

t.test('a hello from the future, or for another port, is refused', async (t) => {
  const hello = { clusterId: undefined, name: '', brokerId: noBroker, brokerEpoch: 0 } as const
  const future = written((out) =>
    encodeMqHello(out, { ...hello, version: mqProtocolVersion + 1, role: 'client' }),
  )
  t.throws(() => decodeMqHello(future), ProtocolError)
  const peer = written((out) =>
    encodeMqHello(out, { ...hello, version: mqProtocolVersion, role: 'peer' as 'client' }),
  )
  t.throws(() => decodeMqHello(peer), ProtocolError)
})

t.test('an api that is none of ours still says whom to answer', async (t) => {
  const reader = written((out) => {
    out.arrayHeader(2)
    out.int(7)
    out.int(999)
  })
  t.strictSame(decodeMqRequest(reader), { correlationId: 7, request: undefined })
})

t.test('damaged requests are requests or ProtocolErrors', async (t) => {
  const seed = 5
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  let refused = 0
  for (let i = 0; i < 5000; i++) {
    const out = new MsgpackWriter()
    encodeMqRequest(out, 1, random.pick(requests))
    const bytes = Buffer.from(out.view())
    bytes[random.below(bytes.length)] = random.below(256)
    const end = random.chance(0.2) ? random.below(bytes.length) : bytes.length
    try {
      decodeMqRequest(new MsgpackReader().reset(bytes, 0, end))
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      refused += 1
    }
  }
  t.ok(refused > 1000, 'many of them are refused')
})
