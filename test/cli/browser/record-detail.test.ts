import t from 'tap'
import {
  bestForm,
  detailBody,
  detailFacts,
  formsOf,
  hexLines,
} from '../../../src/cli/browser/record-detail.ts'
import { recordOf } from './records.ts'

process.env['TZ'] = 'UTC'

const bytes = (...values: readonly number[]) => Uint8Array.from(values)

const forms = [
  { name: 'text', value: 'hello', want: 'text' },
  { name: 'an object', value: ' {"a":1}', want: 'json' },
  { name: 'a list', value: '[1,2]', want: 'json' },
  { name: 'a number', value: '12', want: 'text' },
  { name: 'almost an object', value: '{"a":1', want: 'text' },
  { name: 'bytes that are no UTF-8', value: bytes(0xff, 0x41), want: 'hex' },
  { name: 'text with a null byte', value: 'a\0b', want: 'hex' },
  { name: 'null', value: null, want: 'text' },
  { name: 'an object too large to look through', value: `["${'x'.repeat(70_000)}"]`, want: 'text' },
]
for (const { name, value, want } of forms) {
  t.test(`${name} is first shown as ${want}`, async (t) => {
    t.equal(bestForm(recordOf({ value })), want)
  })
}

t.test('JSON is offered only for JSON', async (t) => {
  t.same(formsOf(recordOf({ value: '{}' })), ['text', 'json', 'hex'])
  t.same(formsOf(recordOf({ value: '{' })), ['text', 'hex'])
})

t.test('bytes are shown as the terminal has room', async (t) => {
  const value = Buffer.from('Hello, world: \x1b[0m!')
  t.same(hexLines(value, 78), [
    '00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 3a 20 1b 5b  |Hello, world: .[|',
    `00000010  30 6d 21                                          |0m!|`,
  ])
  t.equal(hexLines(value, 44)[0], '00000000  48 65 6c 6c 6f 2c 20 77  |Hello, w|')
  t.equal(hexLines(value, 38)[0], '00000000  48 65 6c 6c  |Hell|')
})

t.test('text keeps its lines and cannot control the terminal', async (t) => {
  const lines = detailBody(recordOf({ value: 'one\ntwo \x1b[2J\r' }), 'text', 80)
  t.same(lines, ['one', 'two \\x1b[2J\\x0d'])
})

t.test('a large value is shown from its start, and the rest is counted', async (t) => {
  const record = recordOf({ value: 'x'.repeat(64 * 1024 + 1234) })
  const lines = detailBody(record, 'text', 80)
  t.equal(lines.length, 2)
  t.equal(lines[0]?.length, 64 * 1024)
  t.equal(lines[1], '… 1,234 more bytes')
  t.equal(detailBody(record, 'hex', 80).length, (64 * 1024) / 16 + 1)
})

t.test('null and empty values are told apart', async (t) => {
  t.match(detailBody(recordOf({ value: null }), 'text', 80)[0], /^null/)
  t.same(detailBody(recordOf({ value: '' }), 'hex', 80), ['empty'])
})

t.test('the facts name place, time, sizes, batch and headers', async (t) => {
  const record = recordOf({
    partition: 2,
    offset: 17,
    timestampMs: Date.UTC(2026, 10, 28, 21, 4, 59, 7),
    key: 'k\x07',
    value: 'abc',
    headers: { trace: 'x', none: null },
  })
  const batch = {
    baseOffset: 10,
    lastOffset: 19,
    recordCount: 10,
    sizeBytes: 2048,
    codec: 'zstd',
    producerId: 5,
    isAppendTime: false,
  }
  t.same(
    detailFacts({ ...record, batch }).map(({ label, text }) => `${label}: ${text}`),
    [
      'place: partition 2, offset 17',
      'time: 2026-11-28 21:04:59.007 (1795899899007, create time)',
      'size: key 2 B, value 3 B',
      'batch: 10–19, 10 records, 2,048 B, codec zstd, producer 5',
      'key: k\\x07',
      'headers: trace = x',
      ': none = null',
    ],
  )
})
