import fc from 'fast-check'
import t from 'tap'
import { ProtocolError } from '../../../src/protocol/error-codes.ts'
import {
  type ApiName,
  type MqRequest,
  type MqResponse,
  requests,
  responses,
} from '../../../src/protocol/mq/apis.ts'
import { BrokerError, isRetriable, mqErrorCodeOf } from '../../../src/protocol/mq/error-codes.ts'
import { brokerErrorOf } from '../../../src/protocol/mq/messages.ts'
import {
  decodeMqRequest,
  decodeMqResponse,
  decodeResponseHeader,
  encodeMqError,
  encodeMqRequest,
  encodeMqResponse,
} from '../../../src/protocol/mq/native.ts'
import { MsgpackReader, MsgpackWriter } from '../../../src/protocol/msgpack.ts'
import { writePlain } from '../../../src/protocol/plain.ts'
import { messagesOf } from '../field-arbitraries.ts'

function bytesOf(write: (out: MsgpackWriter) => void): Buffer {
  const out = new MsgpackWriter()
  write(out)
  return Buffer.from(out.view())
}

function written(write: (out: MsgpackWriter) => void): MsgpackReader {
  const bytes = bytesOf(write)
  return new MsgpackReader().reset(bytes, 0, bytes.length)
}

const apis = Object.keys(requests.rows) as ApiName[]

for (const api of apis) {
  t.test(`a ${api} request survives encoding and decoding, and matches its table`, async (t) => {
    fc.assert(
      fc.property(messagesOf(requests, api), (request: MqRequest) => {
        const bytes = bytesOf((out) => encodeMqRequest(out, 42, request))
        const fields = [42, requests.code(api), ...requests.pack(request)]
        t.ok(bytes.equals(bytesOf((out) => writePlain(out, fields))), 'the bytes')
        const reader = new MsgpackReader().reset(bytes, 0, bytes.length)
        t.strictSame(decodeMqRequest(reader), { correlationId: 42, request })
      }),
    )
  })

  t.test(`a ${api} response survives encoding and decoding, and matches its table`, async (t) => {
    fc.assert(
      fc.property(messagesOf(responses, api), (response: MqResponse) => {
        const bytes = bytesOf((out) => encodeMqResponse(out, 43, response))
        const fields = [43, null, ...responses.pack(response)]
        t.ok(bytes.equals(bytesOf((out) => writePlain(out, fields))), 'the bytes')
        const reader = new MsgpackReader().reset(bytes, 0, bytes.length)
        const { correlationId, error, fieldCount } = decodeResponseHeader(reader)
        t.strictSame([correlationId, error], [43, undefined])
        t.strictSame(decodeMqResponse(reader, api, fieldCount), response)
      }),
    )
  })
}

t.test('records are copied out of the frame, and batches are views of it', async (t) => {
  const place = { topic: 'goals', partition: 0 }
  const produce: MqRequest = {
    type: 'produce',
    acks: 'all',
    timeoutMs: 5,
    passedOn: false,
    partitions: [{ ...place, batch: Buffer.from('batch') }],
  }
  const request = bytesOf((out) => encodeMqRequest(out, 1, produce))
  const reader = new MsgpackReader().reset(request, 0, request.length)
  const { request: decoded } = decodeMqRequest(reader)
  const batch = decoded?.type === 'produce' ? decoded.partitions[0]?.batch : undefined
  request.fill(0)
  t.same(batch, Buffer.alloc(5))

  const records = Buffer.from('batches')
  const fetched = { ...place, error: undefined, highWatermark: 8, logStart: 0, records }
  const response = bytesOf((out) =>
    encodeMqResponse(out, 1, { type: 'fetch', partitions: [fetched] }),
  )
  reader.reset(response, 0, response.length)
  const { fieldCount } = decodeResponseHeader(reader)
  const kept = decodeMqResponse(reader, 'fetch', fieldCount)
  response.fill(0)
  t.same(kept, { type: 'fetch', partitions: [fetched] })
})

t.test('a request that fails as a whole is answered with its code and message', async (t) => {
  const error = new BrokerError('NOT_LEADER_OR_FOLLOWER', 'Cannot append: 2 leads')
  const header = decodeResponseHeader(written((out) => encodeMqError(out, 1, error)))
  const { code, message } = error
  t.strictSame(header, {
    correlationId: 1,
    error: { code, message, bounds: undefined },
    fieldCount: 0,
  })
  t.ok(error.retriable)
  t.notOk(isRetriable('OUT_OF_ORDER_SEQUENCE_NUMBER'))
  t.equal(mqErrorCodeOf(12345), 'UNKNOWN_SERVER_ERROR')
})

t.test('OFFSET_OUT_OF_RANGE carries both bounds of the log', async (t) => {
  const bounds = { start: 3, end: 2 ** 40 }
  const given = new BrokerError('OFFSET_OUT_OF_RANGE', 'Cannot fetch', { bounds })
  const { error } = decodeResponseHeader(written((out) => encodeMqError(out, 1, given)))
  t.match(error === undefined ? undefined : brokerErrorOf(error), given)
})

t.test('an error code from the future is an unknown error', async (t) => {
  const reader = written((out) => writePlain(out, [1, [4711, 'Cannot yet', null]]))
  t.match(decodeResponseHeader(reader).error, { code: 'UNKNOWN_SERVER_ERROR' })
})

t.test('a request of an unknown api still yields its correlation id', async (t) => {
  const reader = written((out) => writePlain(out, [7, 999]))
  t.strictSame(decodeMqRequest(reader), { correlationId: 7, request: undefined })
})

t.test('a damaged request is decoded or throws a ProtocolError', async (t) => {
  let refused = 0
  const any = fc.oneof(...apis.map((api) => messagesOf(requests, api)))
  fc.assert(
    fc.property(any, fc.nat(), fc.nat(255), fc.nat(), (request: MqRequest, at, byte, cut) => {
      const bytes = bytesOf((out) => encodeMqRequest(out, 1, request))
      bytes[at % bytes.length] = byte
      const end = cut % 5 === 0 ? cut % bytes.length : bytes.length
      try {
        decodeMqRequest(new MsgpackReader().reset(bytes, 0, end))
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        refused += 1
      }
    }),
    { numRuns: 2000 },
  )
  t.ok(refused > 400, 'many of them are refused')
})
