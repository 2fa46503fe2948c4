import t from 'tap'
import { parseHeaders, typedRecord } from '../../../src/cli/browser/typed-record.ts'
import { limits } from '../../../src/limits.ts'

const empty = { key: '', value: '', partition: '', headers: '' }

t.test('empty fields are no key, an empty value, and no partition', async (t) => {
  t.same(typedRecord(empty), { key: null, value: '', partition: undefined, headers: [] })
})

t.test('key and value stay as they are typed', async (t) => {
  const typed = typedRecord({ ...empty, key: ' k ', value: ' a\\n "b" ' })
  t.match(typed, { key: ' k ', value: ' a\\n "b" ' })
})

t.test('a partition is a number that a topic can have', async (t) => {
  for (const [text, partition] of [
    ['0', 0],
    [' 7 ', 7],
    [String(limits.partitionsPerTopicMax - 1), limits.partitionsPerTopicMax - 1],
  ] as const) {
    t.match(typedRecord({ ...empty, partition: text }), { partition })
  }
  for (const text of ['-1', '1.5', '1e1', 'x', '1 2', String(limits.partitionsPerTopicMax)]) {
    t.match(typedRecord({ ...empty, partition: text }), { problem: /^partition / }, text)
  }
})

t.test('headers are names with values, which may be quoted, null, or repeated', async (t) => {
  for (const [text, ...headers] of [
    [''],
    ['   '],
    ['a=b', ['a', 'b']],
    [' a=b  c=d ', ['a', 'b'], ['c', 'd']],
    ['a="two words" b', ['a', 'two words'], ['b', null]],
    ['a= b=""', ['a', ''], ['b', '']],
    ['a=x=y', ['a', 'x=y']],
    ['a={"n":1}', ['a', '{"n":1}']],
    ['a=1 a=2', ['a', '1'], ['a', '2']],
    ['名=値', ['名', '値']],
  ] as const) {
    const want = headers.map(([key, value]) => ({ key, value }))
    t.same(parseHeaders(text), want, text)
  }
})

t.test('headers that could be meant otherwise are refused', async (t) => {
  for (const text of ['=b', 'a=b =c', 'a="b', 'a="b"c', 'a="two words']) {
    t.match(parseHeaders(text), { problem: /header/ }, text)
  }
})
