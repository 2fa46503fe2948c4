import t from 'tap'
import { Fetcher } from '../../../src/client/mq/fetcher.ts'
import { PartitionReader } from '../../../src/client/mq/partition-reader.ts'
import type { FetchRequest } from '../../../src/protocol/mq/fetch.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { encodeBatch, noProducer, placeBatch } from '../../../src/protocol/mq/record-batch.ts'
import { Turn } from '../../../src/turn.ts'
import { VirtualClock } from '../../virtual-clock.ts'

interface Asked {
  readonly host: string
  readonly request: FetchRequest
  /** one text of records for each partition; undefined: no record */
  answer(...values: readonly (string | undefined)[]): Promise<void>
}

function world(options: { readonly bytesMax?: number; readonly bufferBytesMax?: number } = {}) {
  const asked: Asked[] = []
  const ends: (() => void)[] = []
  const settle = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    for (const end of ends.splice(0)) end()
  }
  const call = (host: string, request: FetchRequest) =>
    new Promise((resolve) => {
      const answer = async (...values: readonly (string | undefined)[]) => {
        const partitions = request.partitions.map(({ topic, partition, offset }, i) => {
          const records = batch(offset, values[i])
          const end = offset + (values[i] === undefined ? 0 : 1)
          return { topic, partition, error: undefined, highWatermark: end, logStart: 0, records }
        })
        resolve({ type: 'fetch', partitions })
        await settle()
      }
      asked.push({ host, request, answer })
    })
  const cluster = {
    turn: new Turn((end) => ends.push(end)),
    clock: new VirtualClock(),
    codecs: { missing: () => new Set(), decompress: () => t.fail() },
    connectionTo: ({ host }: { readonly host: string }) => ({
      call: (request: FetchRequest) => call(host, request),
    }),
  } as never
  const fetcher = new Fetcher({
    cluster,
    maxWaitMs: 500,
    bytesMax: options.bytesMax ?? 1000,
    bufferBytesMax: options.bufferBytesMax ?? 10_000,
    checkCrcs: true,
    source: ({ partition }) => {
      const id = (partition < 10 ? 1 : 2) as BrokerId
      return { id, host: `mq${id}`, port: 9092 }
    },
    onLost: () => t.fail(),
    onRecords: () => undefined,
    onOutOfRange: async () => t.fail() as never,
    onUnreadable: () => t.fail(),
    onUnavailable: () => t.fail(),
  })
  const readers = (...partitions: readonly number[]) =>
    partitions.map((partition) => {
      const reader = new PartitionReader({ topic: 'goals', partition, start: 0 })
      fetcher.add(reader)
      return reader
    })
  const partitionsOf = () =>
    asked.map(({ request }) => request.partitions.map((one) => one.partition))
  return { fetcher, readers, asked, partitionsOf, settle }
}

function batch(offset: number, value: string | undefined): Buffer {
  if (value === undefined) return Buffer.alloc(0)
  const records = [{ key: null, value: Buffer.from(value), timestampMs: 0, headers: [] }]
  const producer = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  const bytes = encodeBatch({ ...producer, records })
  placeBatch(bytes, offset, 0)
  return bytes
}

t.test('one request per broker has all partitions, in turns', async (t) => {
  const { readers, asked, partitionsOf, settle } = world()
  const [first] = readers(0, 1, 2, 10, 11)
  await settle()
  t.same(partitionsOf(), [
    [0, 1, 2],
    [10, 11],
  ])
  await asked[0]?.answer('a', undefined, undefined)
  t.equal(first?.waitingCount, 1)
  t.same(partitionsOf().at(-1), [1, 2, 0], 'the others are served before it')
  t.same(asked.at(-1)?.request.partitions.at(-1)?.offset, 1)
  t.equal(asked.length, 3, 'the other broker still waits')
})

t.test('a partition that becomes ready does not wait for the others', async (t) => {
  const { fetcher, readers, asked, partitionsOf, settle } = world()
  const [first, second] = readers(0, 1)
  if (first === undefined || second === undefined) return
  second.isPaused = true
  await settle()
  second.isPaused = false
  fetcher.wake()
  await settle()
  t.same(partitionsOf(), [[0], [1]])
  second.seek(5)
  fetcher.wake()
  await settle()
  await asked[1]?.answer('what was asked before the seek')
  t.equal(second.waitingCount, 0)
  t.equal(asked[2]?.request.partitions[0]?.offset, 5)
  await asked[2]?.answer('after')
  t.equal(second.takeOne()?.offset, 5)
})

t.test('a partition of which enough waits is not fetched, and its records wait', async (t) => {
  const { fetcher, readers, asked, partitionsOf, settle } = world({ bytesMax: 100 })
  const [full, other] = readers(0, 1)
  await settle()
  await asked[0]?.answer('x'.repeat(100), 'y')
  t.same(partitionsOf().at(-1), [1])
  t.equal(full?.waitingCount, 1)
  full?.take()
  other?.take()
  fetcher.wake()
  await settle()
  t.same(partitionsOf().at(-1), [0])
})

t.test('together they hold no more than the buffer, save one answer each', async (t) => {
  const { fetcher, readers, asked, partitionsOf, settle } = world({ bufferBytesMax: 100 })
  const [first, second, third] = readers(0, 1, 2)
  await settle()
  await asked[0]?.answer('x'.repeat(100), 'y', undefined)
  t.same(partitionsOf().at(-1), [2], 'of which nothing waits')
  if (first !== undefined) first.isPaused = true
  fetcher.wake()
  await settle()
  t.same(partitionsOf().at(-1), [1], 'a paused one is no reason to stop the others')
  t.equal((second?.waitingCount ?? 0) + (third?.waitingCount ?? 0), 1)
})
