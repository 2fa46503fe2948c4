import { gunzipSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { recordRules, refusedRecords } from '../../../src/broker/api/record-rules.ts'
import { ClusterConfigs, encodeConfig } from '../../../src/broker/cluster/cluster-configs.ts'
import { limits } from '../../../src/limits.ts'
import type { OpenBlock } from '../../../src/protocol/mq/compression.ts'
import { encodeBatch, noProducer, stampBatch } from '../../../src/protocol/mq/record-batch.ts'

const nowMs = 1_000_000
const longMax = '9223372036854775807'

const gzip = { name: 'gzip', compress: (block: Buffer) => gzipSync(block) } as const
const openGzip: OpenBlock = (_, block) => gunzipSync(block)

interface Times {
  readonly before?: string
  readonly after?: string
  readonly difference?: string
  readonly type?: string
  readonly policy?: string
}

function rulesOf({ before, after, difference, type, policy }: Times) {
  const given = {
    'message.timestamp.before.max.ms': before,
    'message.timestamp.after.max.ms': after,
    'message.timestamp.difference.max.ms': difference,
    'message.timestamp.type': type,
    'cleanup.policy': policy,
  }
  const texts = Object.entries(given).flatMap(([name, text]) => (text ? [[name, text]] : []))
  const configs = new ClusterConfigs()
  const found = encodeConfig(new Map(texts as [string, string][]))
  t.same(configs.set({ type: 'topic', name: 'goals' }, Buffer.from(found)), [])
  return recordRules(configs.topic('goals'), nowMs)
}

/** A batch with records of these times; `value` repeats, so that compression makes it smaller. */
function batchOf(times: readonly number[], compressor?: typeof gzip, key: string | null = 'k') {
  const records = times.map((timestampMs) => ({
    key: key === null ? null : Buffer.from(key),
    value: Buffer.alloc(100, 'v'),
    timestampMs,
    headers: [],
  }))
  const none = { producerId: noProducer, producerEpoch: -1, baseSequence: -1 }
  return encodeBatch({ ...none, records }, compressor)
}

function refused(times: readonly number[], given: Times, compressor?: typeof gzip) {
  const rules = rulesOf(given)
  return rules && refusedRecords(batchOf(times, compressor), rules, openGzip)
}

t.test('without bounds, records are not looked at', async (t) => {
  t.equal(rulesOf({}), undefined)
  t.equal(rulesOf({ before: longMax, after: longMax, difference: longMax }), undefined)
})

const bounds: readonly [name: string, given: Times, times: number[], bad: number[]][] = [
  ['a record may be as old as the bound', { before: '100' }, [nowMs - 100, nowMs - 101], [1]],
  ['a record may be as far ahead as the bound', { after: '5' }, [nowMs + 5, nowMs + 6], [1]],
  ['one bound leaves the other side open', { before: '0' }, [10 ** 15, nowMs], []],
  ['an old record is no matter for the other bound', { after: '0' }, [1, nowMs], []],
  ['0 takes only the present', { before: '0', after: '0' }, [nowMs - 1, nowMs, nowMs + 1], [0, 2]],
  ['a record without a time is good', { before: '0', after: '0' }, [-1], []],
  ['difference stands for both', { difference: '9' }, [nowMs - 10, nowMs + 10, nowMs], [0, 1]],
  ['a bound of its own comes before it', { difference: '9', after: '20' }, [nowMs + 20], []],
  ['times of the append are always good', { type: 'LogAppendTime', before: '0' }, [1], []],
]
for (const compressor of [undefined, gzip]) {
  for (const [name, given, times, bad] of bounds) {
    t.test(`${name}${compressor === undefined ? '' : ', compressed'}`, async (t) => {
      const found = refused(times, given, compressor)
      t.same(found?.records.map(({ batchIndex }) => batchIndex) ?? [], bad)
      t.equal(found?.code, bad.length === 0 ? undefined : 'INVALID_TIMESTAMP')
    })
  }
}

t.test('the refusal names the record, its time, and the bound', async (t) => {
  const found = refused([nowMs, nowMs + 7, nowMs - 50], { before: '40', after: '5' })
  t.same(found, {
    code: 'INVALID_TIMESTAMP',
    found:
      '2 of 3 records cannot be stored; record 1: its timestamp 1000007 is after 1000005 (message.timestamp.after.max.ms)',
    records: [
      {
        batchIndex: 1,
        found: 'its timestamp 1000007 is after 1000005 (message.timestamp.after.max.ms)',
      },
      {
        batchIndex: 2,
        found: 'its timestamp 999950 is before 999960 (message.timestamp.before.max.ms)',
      },
    ],
  })
})

t.test('of records that cannot be opened, the header tells the times', async (t) => {
  const rules = rulesOf({ before: '100', after: '100' })
  if (rules === undefined) throw new Error('There are bounds')
  for (const openBlock of [undefined, () => undefined]) {
    const found = (...times: number[]) => refusedRecords(batchOf(times, gzip), rules, openBlock)
    t.equal(found(nowMs, nowMs + 100), undefined)
    t.match(found(nowMs, nowMs + 101), { code: 'INVALID_TIMESTAMP', found: /after/, records: [] })
    t.match(found(nowMs - 101, nowMs), { code: 'INVALID_TIMESTAMP', found: /before/, records: [] })
  }
})

t.test('a compacted topic wants keys, of compressed records too', async (t) => {
  for (const compressor of [undefined, gzip]) {
    const rules = rulesOf({ policy: 'compact', before: '100' })
    if (rules === undefined) throw new Error('There are rules')
    const [keyless, late] = [[nowMs, nowMs], [1]]
    const found = refusedRecords(batchOf(keyless, compressor, null), rules, openGzip)
    t.match(found, { code: 'INVALID_RECORD', found: /2 of 2 .* no key/, records: [{}, {}] })
    t.equal(refusedRecords(batchOf(keyless, compressor), rules, openGzip), undefined)
    t.match(refusedRecords(batchOf(late, compressor), rules, openGzip), {
      code: 'INVALID_TIMESTAMP',
    })
  }
})

t.test('only a broker sets times of the append', async (t) => {
  const batch = batchOf([5])
  stampBatch(batch, nowMs - 1)
  const stamped = rulesOf({ type: 'LogAppendTime' })
  t.match(stamped && refusedRecords(batch, stamped, openGzip), { code: 'INVALID_TIMESTAMP' })
  const own = rulesOf({ before: '0' })
  t.match(own && refusedRecords(batch, own, openGzip), { found: /timestamp 999999 is before/ })
})

t.test('a refusal has an end', async (t) => {
  const count = limits.badRecordsMax + 1
  const found = refused(new Array<number>(count).fill(1), { before: '0' })
  t.equal(found?.records.length, limits.badRecordsMax)
  t.match(found?.found, `${count} of ${count} records`)
})
