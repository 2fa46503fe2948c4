import t from 'tap'
import {
  type BatchCodec,
  type CompactionRules,
  compacted,
  LatestOffsets,
} from '../../../src/broker/partition/compaction.ts'
import { Codecs } from '../../../src/client/mq/compression/codecs.ts'
import type { Compressor } from '../../../src/protocol/mq/compression.ts'
import {
  decodeBatch,
  deleteHorizonOf,
  encodeBatch,
  isBatchIntact,
  type ProducerId,
  placeBatch,
  readBatchHeader,
} from '../../../src/protocol/mq/record-batch.ts'

type Written = readonly [key: string | null, value: string | null]

const codecs = new Codecs()
const plain: BatchCodec = { decompress: codecs.decompress, compressor: undefined }

function batchOf(base: number, records: readonly Written[], compressor?: Compressor): Buffer {
  const made = encodeBatch(
    {
      producerId: 7 as ProducerId,
      producerEpoch: 2,
      baseSequence: 40,
      records: records.map(([key, value], i) => ({
        key: key === null ? null : Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
        timestampMs: 1000 + i,
        headers: [{ key: 'h', value: Buffer.from('x') }],
      })),
    },
    compressor,
  )
  placeBatch(made, base, 3)
  return made
}

function rulesOf(all: readonly Buffer[], changed: Partial<CompactionRules> = {}): CompactionRules {
  const latest = new LatestOffsets()
  for (const batch of all) latest.add(decodeBatch(batch, 0, codecs.decompress))
  return { latest, nowMs: 5000, deleteRetentionMs: 100, isLastOf: () => false, ...changed }
}

function shown(batch: Buffer | undefined) {
  if (batch === undefined) return undefined
  return decodeBatch(batch, 0, codecs.decompress).map(({ offset, key, value, timestampMs }) => {
    const text = (bytes: Uint8Array | null) =>
      bytes === null ? null : Buffer.from(bytes).toString()
    return [offset, text(key), text(value), timestampMs]
  })
}

t.test('of each key the last record is left, at its offset and with its time', async (t) => {
  const first = batchOf(10, [
    ['a', '1'],
    ['b', '2'],
    ['c', '3'],
  ])
  const second = batchOf(13, [['b', '4']])
  const rules = rulesOf([first, second])
  const left = compacted(first, rules, plain)
  t.same(shown(left), [
    [10, 'a', '1', 1000],
    [12, 'c', '3', 1002],
  ])
  const [before, after] = [readBatchHeader(first), readBatchHeader(left ?? first)]
  for (const field of [
    'baseOffset',
    'lastOffsetDelta',
    'leaderEpoch',
    'producerId',
    'producerEpoch',
    'baseSequence',
  ] as const) {
    t.equal(after[field], before[field], `the batch keeps its ${field}`)
  }
  t.equal(after.recordCount, 2)
  t.ok(left !== undefined && isBatchIntact(left, 0, left.length))
  t.equal(compacted(second, rules, plain), second, 'a batch of which all is left stays as it is')
})

t.test(
  'a batch whose records are all superseded goes, or leaves its producer’s header',
  async (t) => {
    const old = batchOf(0, [['a', '1']])
    const rules = rulesOf([old, batchOf(1, [['a', '2']])])
    t.equal(compacted(old, rules, plain), undefined)
    const header = compacted(old, { ...rules, isLastOf: () => true }, plain) ?? Buffer.alloc(0)
    t.equal(header.length, 61)
    t.match(readBatchHeader(header), { recordCount: 0, producerId: 7, baseSequence: 40 })
    t.ok(isBatchIntact(header, 0, header.length))
    t.equal(compacted(header, { ...rules, isLastOf: () => true }, plain), header)
    t.equal(compacted(header, rules, plain), undefined, 'once the producer has sent more')
  },
)

t.test('a tombstone stays for its time after its first compaction, and supersedes', async (t) => {
  const value = batchOf(0, [['a', '1']])
  const tombstone = batchOf(1, [
    ['a', null],
    ['b', '2'],
  ])
  const rules = rulesOf([value, tombstone])
  t.equal(compacted(value, rules, plain), undefined)
  const marked = compacted(tombstone, rules, plain) ?? tombstone
  t.same(shown(marked), shown(tombstone), 'with its horizon, its records are the same')
  t.equal(deleteHorizonOf(marked), 5100)
  const again = (nowMs: number) => compacted(marked, { ...rules, nowMs }, plain)
  t.equal(again(5100), marked)
  t.same(shown(again(5101)), [[2, 'b', '2', 1001]])
  t.equal(deleteHorizonOf(again(5101) ?? marked), undefined)
  t.equal(deleteHorizonOf(again(4000) ?? tombstone), 5100, 'later passes do not move it')
})

t.test('records without a key go', async (t) => {
  const batch = batchOf(0, [
    [null, 'x'],
    ['a', '1'],
  ])
  t.same(shown(compacted(batch, rulesOf([batch]), plain)), [[1, 'a', '1', 1001]])
})

t.test('a compressed batch stays compressed', async (t) => {
  const compressor = await codecs.load('gzip')
  const batch = batchOf(
    0,
    [
      ['a', '1'],
      ['b', '2'],
    ],
    compressor,
  )
  const rules = rulesOf([batch, batchOf(2, [['a', '3']])])
  const codec = { decompress: codecs.decompress, compressor }
  const left = compacted(batch, rules, codec) ?? batch
  t.same(shown(left), [[1, 'b', '2', 1001]])
  t.equal(readBatchHeader(left).attributes & 7, 1)
})
