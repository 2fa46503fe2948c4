import t from 'tap'
import { BadUsage } from '../../src/cli/cli-command.ts'
import {
  parseHeader,
  parseRecordLine,
  recordFormatter,
  recordJson,
  unescaped,
} from '../../src/cli/record-text.ts'

const lines = [
  { line: 'a:b', separator: undefined, emptyIsNull: false, want: { key: null, value: 'a:b' } },
  { line: 'a:b:c', separator: ':', emptyIsNull: false, want: { key: 'a', value: 'b:c' } },
  { line: 'a=>b', separator: '=>', emptyIsNull: false, want: { key: 'a', value: 'b' } },
  { line: 'no key', separator: ':', emptyIsNull: false, want: { key: null, value: 'no key' } },
  { line: ':b', separator: ':', emptyIsNull: false, want: { key: '', value: 'b' } },
  { line: 'a:', separator: ':', emptyIsNull: false, want: { key: 'a', value: '' } },
  { line: 'a:', separator: ':', emptyIsNull: true, want: { key: 'a', value: null } },
  { line: '', separator: undefined, emptyIsNull: true, want: { key: null, value: null } },
]
for (const { line, separator, emptyIsNull, want } of lines) {
  t.test(`'${line}' split at ${separator}, empty ${emptyIsNull ? 'null' : 'kept'}`, async (t) => {
    const { key, value } = parseRecordLine(Buffer.from(line), {
      keySeparator: separator === undefined ? undefined : Buffer.from(separator),
      emptyIsNull,
    })
    t.same({ key: key?.toString() ?? null, value: value?.toString() ?? null }, want)
  })
}

t.test('bytes that are not UTF-8 stay what they are, on both sides of a separator', async (t) => {
  const line = Buffer.from([0xff, 0x3a, 0xfe, 0x0d])
  const { key, value } = parseRecordLine(line, {
    keySeparator: Buffer.from(':'),
    emptyIsNull: false,
  })
  t.same([key, value], [Buffer.from([0xff]), Buffer.from([0xfe, 0x0d])])
})

const piped = { escapes: false, nullText: '' }
const shown = { escapes: true, nullText: '' }

const record = {
  topic: 'goals',
  partition: 2,
  offset: 41,
  key: Buffer.from('Köln'),
  value: Buffer.from('1:0'),
  timestampMs: 1234,
  headers: [],
}
const formats = [
  { format: '%s\\n', want: '1:0\n' },
  { format: '%t/%p@%o %k=%s (%T) 100%%\\t\\\\', want: 'goals/2@41 Köln=1:0 (1234) 100%\t\\' },
  { format: '', want: '' },
]
for (const { format, want } of formats) {
  t.test(`format ${format}`, async (t) => {
    for (const rules of [piped, shown]) {
      t.equal(recordFormatter(format, rules)(record).toString(), want)
    }
  })
}

t.test('null differs from an empty value in its length, or in a text of its own', async (t) => {
  const nothing = { ...record, key: null, value: null }
  const empty = { ...record, key: Buffer.alloc(0), value: Buffer.alloc(0) }
  const lengths = recordFormatter('[%k|%s] %K %S', piped)
  t.equal(lengths(nothing).toString(), '[|] -1 -1')
  t.equal(lengths(empty).toString(), '[|] 0 0')
  const named = recordFormatter('%s', { ...piped, nullText: 'NULL' })
  t.equal(named(nothing).toString(), 'NULL')
  t.equal(named(empty).toString(), '')
})

t.test('a pipe gets the exact bytes, a terminal no control characters', async (t) => {
  const value = Buffer.from([0xff, 0x1b, 0x5b, 0x32, 0x4a, 0x0d])
  t.same(recordFormatter('%s', piped)({ ...record, value }), value)
  t.equal(recordFormatter('%s', shown)({ ...record, value }).toString(), '\\xff\\x1b[2J\\x0d')
  const key = Buffer.from('\u202e')
  t.equal(recordFormatter('%k', shown)({ ...record, key }).toString(), '\\u202e')
})

for (const format of ['%x', '%', 'a\\q', '\\']) {
  t.test(`no such format: ${format}`, async (t) => {
    t.throws(() => recordFormatter(format, piped), BadUsage)
  })
}

const headers = [
  { key: 'trace', value: Buffer.from('a1') },
  { key: 'none', value: null },
  { key: 'trace', value: Buffer.of(0xff) },
]

t.test('headers, lengths and bytes have their placeholders, as in kcat', async (t) => {
  const all = { ...record, headers }
  const want = Buffer.concat([Buffer.from('trace=a1,none=NULL,trace='), Buffer.of(0xff)])
  t.same(recordFormatter('%h', { ...piped, nullText: 'NULL' })(all), want)
  t.equal(recordFormatter('%h', piped)(record).toString(), '')
  t.same(recordFormatter('%R%s\\x7f\\0', piped)(record), Buffer.from('\0\0\0\x031:0\x7f\0'))
  t.same(recordFormatter('%R', piped)({ ...record, value: null }), Buffer.alloc(4, 0xff))
  t.throws(() => recordFormatter('\\x7', piped), BadUsage)
})

t.test('a record is a line of JSON under kcat’s names', async (t) => {
  const batch = { isAppendTime: false }
  t.same(JSON.parse(recordJson({ ...record, headers, batch })), {
    topic: 'goals',
    partition: 2,
    offset: 41,
    tstype: 'create',
    ts: 1234,
    headers: ['trace', 'a1', 'none', null, 'trace', '\ufffd'],
    key: 'Köln',
    payload: '1:0',
  })
  const bytes = {
    ...record,
    key: null,
    value: Buffer.of(0xff, 0xfe),
    batch: { isAppendTime: true },
  }
  t.match(JSON.parse(recordJson(bytes)), {
    tstype: 'logappend',
    key: null,
    payload_base64: '//4=',
    payload: undefined,
  })
})

t.test('a header is a name and a value, or a name alone', async (t) => {
  t.same(parseHeader('a=b=c'), { key: 'a', value: 'b=c' })
  t.same(parseHeader('a='), { key: 'a', value: '' })
  t.same(parseHeader('a'), { key: 'a', value: null })
  t.throws(() => parseHeader('=b'), BadUsage)
})

t.test('a separator has the escapes of formats', async (t) => {
  t.same(unescaped('-K', '\\t'), Buffer.from('\t'))
  t.same(unescaped('-K', 'ü\\xff\\\\'), Buffer.from([0xc3, 0xbc, 0xff, 0x5c]))
  t.same(unescaped('-K', ''), Buffer.alloc(0))
  t.throws(() => unescaped('-K', 'a\\d'), { message: /^Cannot use -K 'a\\d': \\d does not exist/ })
})
