import fc from 'fast-check'
import t from 'tap'
import { prettyJson } from '../../../src/cli/browser/pretty-json.ts'

t.test('every entry gets a line', async (t) => {
  t.equal(
    prettyJson('{"a":[1,{"b":null}],"c":{},"d":[]}'),
    '{\n  "a": [\n    1,\n    {\n      "b": null\n    }\n  ],\n  "c": {},\n  "d": []\n}',
  )
})

t.test('digits, repeated keys, and escapes stay as they are', async (t) => {
  const text = '{"id":12345678901234567890,"x":1.10,"x":2,"s":"{\\"a\\": [1]}, \\u0041"}'
  t.equal(
    prettyJson(text),
    '{\n  "id": 12345678901234567890,\n  "x": 1.10,\n  "x": 2,\n  "s": "{\\"a\\": [1]}, \\u0041"\n}',
  )
})

t.test('other text is not JSON', async (t) => {
  for (const text of ['', 'x', '{', '{"a":1} x', "{'a':1}", 'NaN']) {
    t.equal(prettyJson(text), undefined, text)
  }
})

t.test('it is the same as that of JSON.stringify, for values that JavaScript keeps', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      t.equal(prettyJson(JSON.stringify(value)), JSON.stringify(value, null, 2))
    }),
    { numRuns: 200 },
  )
})
