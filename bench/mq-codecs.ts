// The messages of Mimic Queue with handwritten codecs, as candidates: see codecs.ts.

import { type MqRequest, type MqResponse, requests, responses } from '../src/protocol/mq/apis.ts'
import type { DirectoryId } from '../src/protocol/mq/messages.ts'
import {
  decodeMqRequest,
  decodeMqResponse,
  decodeResponseHeader,
  encodeMqRequest,
  encodeMqResponse,
} from '../src/protocol/mq/native.ts'
import { readPlains, writePlains } from '../src/protocol/plain.ts'
import type { Candidate } from './codecs.ts'

const correlationId = 70_000
const place = { topic: 'goals', partition: 3 }
const ends = { highWatermark: 1_234_567, logStart: 0 }
const records = Buffer.alloc(16 * 1024, 1)
const life = { directory: 'abcdefghijklmnopqrstuv' as DirectoryId, brokerEpoch: 2 ** 33 }
const limits = { maxWaitMs: 500, bytesMin: 1, bytesMax: 1_000_000, passedOn: false }

const exchanges: readonly (readonly [string, MqRequest, MqResponse])[] = [
  [
    'produce, 16 KB',
    {
      type: 'produce',
      acks: 'all',
      timeoutMs: 5000,
      passedOn: false,
      partitions: [{ ...place, batch: records }],
    },
    {
      type: 'produce',
      partitions: [{ ...place, error: undefined, baseOffset: 1_234_567, logStart: 0 }],
    },
  ],
  [
    'fetch, 16 KB',
    {
      type: 'fetch',
      ...limits,
      partitions: [{ ...place, offset: 1_234_567, bytesMax: 1_000_000, leaderEpoch: -1 }],
    },
    { type: 'fetch', partitions: [{ ...place, error: undefined, ...ends, records }] },
  ],
  [
    'replicaFetch, 16 KB of one of 3',
    {
      type: 'replicaFetch',
      life,
      session: 1,
      sequence: 1_234_567,
      maxWaitMs: 500,
      bytesMax: 1_000_000,
      partitions: [0, 1, 2].map((partition) => {
        const at = { leaderEpoch: 5, offset: 1_234_567, lastEpoch: 5, highWatermark: 1_234_500 }
        return {
          ...{ ...place, topicId: 'abcdefghijklmnopqrstuv', partition, ...at, logStart: 0 },
          ...{ durableEnd: 1_234_567, isStart: false },
        }
      }),
      forgotten: [],
    },
    {
      type: 'replicaFetch',
      partitions: [0, 1, 2].map((partition) => {
        const sent = partition === 0 ? records : Buffer.alloc(0)
        const fine = { code: 'NONE', diverging: undefined, anew: undefined, gapsBelow: 0 } as const
        const at = { since: 0, offset: 1_234_567 }
        return { ...place, partition, ...at, ...fine, ...ends, records: sent }
      }),
    },
  ],
]

export function mqCandidates(): Candidate[] {
  return exchanges.flatMap(([what, request, response]) => [
    requestOf(what, request),
    responseOf(what, response),
  ])
}

function requestOf(what: string, request: MqRequest): Candidate {
  const { type } = request
  return {
    name: `${what}: request`,
    hand: {
      encode: (out) => encodeMqRequest(out, correlationId, request),
      decode: (reader) => decodeMqRequest(reader),
    },
    table: {
      encode: (out) => {
        writePlains(out, [correlationId, requests.code(type), ...requests.pack(request)])
      },
      decode: (reader) => {
        requests.unpack(type, readPlains(reader, 2 + requests.fieldCount(type)).slice(2))
      },
    },
  }
}

function responseOf(what: string, response: MqResponse): Candidate {
  const { type } = response
  return {
    name: `${what}: response`,
    hand: {
      encode: (out) => encodeMqResponse(out, correlationId, response),
      decode: (reader) => {
        const { fieldCount } = decodeResponseHeader(reader)
        decodeMqResponse(reader, type, fieldCount)
      },
    },
    table: {
      encode: (out) => writePlains(out, [correlationId, null, ...responses.pack(response)]),
      decode: (reader) => {
        responses.unpack(type, readPlains(reader, 2 + responses.fieldCount(type)).slice(2))
      },
    },
  }
}
