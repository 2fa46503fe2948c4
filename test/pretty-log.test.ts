import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { logFormatter } from '../src/pretty-log.ts'

const hostile = 'x\x1b[2J\u009b\u202e\x07'
const record = {
  level: 40,
  time: 0,
  msg: hostile,
  path: hostile,
  [hostile]: { deep: [hostile] },
  err: { type: 'Error', message: hostile, stack: `Error: ${hostile}\n    at here` },
}

for (const colorize of [true, false]) {
  for (const singleLine of [true, false]) {
    t.test(`nothing of a field reaches the terminal raw: ${colorize}, ${singleLine}`, async (t) => {
      const format = logFormatter({ colorize, singleLine, ignore: '' })
      const text = format(JSON.stringify(record))
      // Colours of pino-pretty itself are all that may be left.
      const rest = stripVTControlCharacters(text.replaceAll('\x1b[2J', 'RAW'))
      t.match(rest, /x\\+x1b\[2J/)
      t.match(rest, /^[\n -~]*$/)
      t.notMatch(rest, 'RAW')
      t.equal(text !== rest, colorize)
    })
  }
}

t.test('an ordinary line reads as it is', async (t) => {
  const format = logFormatter({ colorize: false, singleLine: true, ignore: 'pid' })
  const line = JSON.stringify({ level: 30, time: 0, pid: 7, path: '/Köln', msg: 'Leading' })
  t.match(format(line), /INFO: Leading \{"path":"\/Köln"\}\n$/)
})

t.test('a line that is no JSON is escaped as text', async (t) => {
  t.match(logFormatter({ colorize: false, ignore: '' })('{\x1b[2J'), '{\\x1b[2J')
})
