import t from 'tap'
import { BadUsage } from '../../src/cli/cli-command.ts'
import { parseRecordLine, recordFormatter } from '../../src/cli/record-text.ts'

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
    t.same(parseRecordLine(line, { keySeparator: separator, emptyIsNull }), want)
  })
}

const record = {
  topic: 'goals',
  partition: 2,
  offset: 41,
  key: Buffer.from('Köln'),
  value: Buffer.from('1:0'),
  timestampMs: 1234,
}
const formats = [
  { format: '%s\\n', want: '1:0\n' },
  { format: '%t/%p@%o %k=%s (%T) 100%%\\t\\\\', want: 'goals/2@41 Köln=1:0 (1234) 100%\t\\' },
  { format: '', want: '' },
]
for (const { format, want } of formats) {
  t.test(`format ${format}`, async (t) => {
    t.equal(recordFormatter(format)(record), want)
  })
}

t.test('null key and value are nothing, bytes that are no text are marked', async (t) => {
  t.equal(recordFormatter('[%k|%s]')({ ...record, key: null, value: null }), '[|]')
  t.equal(recordFormatter('%s')({ ...record, value: Buffer.from([0xff]) }), '\ufffd')
})

for (const format of ['%x', '%', 'a\\q', '\\']) {
  t.test(`no such format: ${format}`, async (t) => {
    t.throws(() => recordFormatter(format), BadUsage)
  })
}
