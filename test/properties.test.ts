import t from 'tap'
import { parseProperties } from '../src/properties.ts'

const cases = [
  { name: 'a key and a value', text: 'a=b', want: [['a', 'b', 1]] },
  {
    name: 'white space around the separator and the line',
    text: '  a = b  ',
    want: [['a', 'b', 1]],
  },
  {
    name: 'a colon or white space separates too',
    text: 'a:b\nc d',
    want: [
      ['a', 'b', 1],
      ['c', 'd', 2],
    ],
  },
  {
    name: 'a value keeps its colons and semicolons',
    text: 'server.1=h:1:2;3',
    want: [['server.1', 'h:1:2;3', 1]],
  },
  {
    name: 'comments and empty lines count as lines',
    text: '# x\n! y\n\na=1',
    want: [['a', '1', 4]],
  },
  {
    name: 'a comment sign inside a value is part of it',
    text: 'a=b # c',
    want: [['a', 'b # c', 1]],
  },
  {
    name: 'a backslash joins lines',
    text: 'a=b,\\\n   c\nd=e',
    want: [
      ['a', 'b,c', 1],
      ['d', 'e', 3],
    ],
  },
  {
    name: 'two backslashes at the end join nothing',
    text: 'a=b\\\\\nc=d',
    want: [
      ['a', 'b\\', 1],
      ['c', 'd', 2],
    ],
  },
  { name: 'escapes', text: 'a\\=b=\\u0041\\tz', want: [['a=b', 'A\tz', 1]] },
  { name: 'a key alone has an empty value', text: 'a', want: [['a', '', 1]] },
  {
    name: 'lines may end as on Windows',
    text: 'a=b\r\nc=d\r\n',
    want: [
      ['a', 'b', 1],
      ['c', 'd', 2],
    ],
  },
  {
    name: 'a repeated key is given twice',
    text: 'a=1\na=2',
    want: [
      ['a', '1', 1],
      ['a', '2', 2],
    ],
  },
  { name: 'a file that ends in a backslash', text: 'a=b\\', want: [['a', 'b', 1]] },
]
for (const { name, text, want } of cases) {
  t.test(`parseProperties: ${name}`, async (t) => {
    t.same(
      parseProperties(text).map(({ key, value, line }) => [key, value, line]),
      want,
    )
  })
}
