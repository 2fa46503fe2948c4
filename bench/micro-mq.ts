// What the hot messages of Mimic Queue cost, written by hand and by msgpackr out of their tables: by
// hand stays what this shows to pay.

import { type MqRequest, type MqResponse, requests, responses } from '../src/protocol/mq/apis.ts'
import type { DirectoryId } from '../src/protocol/mq/messages.ts'
import {
  decodeMqRequest,
  decodeMqResponse,
  decodeResponseHeader,
  encodeMqRequest,
  encodeMqResponse,
} from '../src/protocol/mq/native.ts'
import { MsgpackReader, MsgpackWriter } from '../src/protocol/msgpack.ts'
import { type Plain, readPlains, writePlain } from '../src/protocol/plain.ts'

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
      maxWaitMs: 500,
      bytesMax: 1_000_000,
      partitions: [0, 1, 2].map((partition) => {
        const at = { leaderEpoch: 5, offset: 1_234_567, lastEpoch: 5, highWatermark: 1_234_500 }
        return { ...place, partition, ...at }
      }),
    },
    {
      type: 'replicaFetch',
      partitions: [0, 1, 2].map((partition) => {
        const sent = partition === 0 ? records : Buffer.alloc(0)
        return { ...place, partition, code: 'NONE', diverging: undefined, ...ends, records: sent }
      }),
    },
  ],
]

/** Written and read, the request and its response. */
export function mqCases(): { readonly name: string; readonly run: () => void }[] {
  const out = new MsgpackWriter(64 * 1024)
  const reader = new MsgpackReader()
  const written = () => reader.reset(out.view(), 0, out.length)
  const writeFields = (id: number, second: Plain, fields: readonly Plain[]) => {
    out.clear()
    for (const plain of [id, second, ...fields]) writePlain(out, plain)
  }
  return exchanges.flatMap(([what, request, response]) => {
    const { type } = request
    const byHand = () => {
      out.clear()
      encodeMqRequest(out, 70_000, request)
      decodeMqRequest(written())
      out.clear()
      encodeMqResponse(out, 70_000, response)
      const { fieldCount } = decodeResponseHeader(written())
      decodeMqResponse(reader, type, fieldCount)
    }
    const byTable = () => {
      writeFields(70_000, requests.code(type), requests.pack(request))
      requests.unpack(
        type,
        readPlains(written(), 2 + Object.keys(requests.fields(type)).length).slice(2),
      )
      writeFields(70_000, null, responses.pack(response))
      responses.unpack(type, readPlains(written(), 3).slice(2))
    }
    return [
      { name: `${what}: in and out, by hand`, run: byHand },
      { name: `${what}: in and out, by msgpackr`, run: byTable },
    ]
  })
}
