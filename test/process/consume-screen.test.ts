import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { columns } from '../../src/cli/consumer/cells.ts'
import { cli, minutesOn, skip, Terminal } from './terminal.ts'
import { startWorld, until, Zw } from './world.ts'

/** The start of a colour sequence. */
const esc = '\x1b'

t.test('zw consume on a terminal', { skip }, async (t) => {
  const { cluster } = await startWorld(t, { servers: 1, brokers: 2 })
  const server = `127.0.0.1:${cluster.member('server', 1).address.port}`
  const produce = async (flags: readonly string[], input = '') => {
    const zw = new Zw(t, ['produce', ...flags, '-s', server], { input })
    t.equal(await zw.closed(), 0)
  }
  await produce(['goals', '--goals', '40'])
  const consume = (topic: string) => [...cli, 'consume', topic, '-s', server]
  const all = [...consume('goals'), '--from-beginning']

  t.test('the consumer moves to another broker when the one it reads from dies', async (t) => {
    const terminal = new Terminal(t, all)
    const before = await terminal.sees(/HEALTHY +40 goals .*from broker [12]/)
    const reading = Number(/from broker ([12])/.exec(before)?.[1])
    await cluster.kill(cluster.member('broker', reading))
    await terminal.sees(new RegExp(`reading from broker ${3 - reading}`))
    t.match(await terminal.sees(new RegExp(`│ *${reading} X`)), /40 goals/)
    t.match(await terminal.sees(new RegExp(`▸ ${3 - reading} L`)), /DEGRADED 1 of 2 brokers/)
    cluster.start(cluster.member('broker', reading))
    await terminal.sees(/HEALTHY/)
    terminal.press('q')
    t.match(await terminal.sees(/exit code/), /40 records read from goals, lag 0\nexit code 0/)
  })

  t.test('it resumes its group, and restores the terminal on SIGTERM', async (t) => {
    const group = ['--group', 'fans']
    const first = new Zw(t, ['consume', 'goals', '-s', server, ...group, '--max', '30'])
    t.equal(await first.closed(), 0)
    const terminal = new Terminal(t, [...consume('goals'), ...group], { columns: 120 })
    const text = await terminal.sees(/10 goals .*group fans/)
    t.equal(minutesOn(text).length, 10)
    process.kill(terminal.programPid(), 'SIGTERM')
    t.match(await terminal.sees(/exit code/), /exit code 0/)
    t.notMatch(terminal.lines().join('\n'), /│/)
  })

  t.test('text of a topic cannot break the layout, and wide characters are aligned', async (t) => {
    const values = [
      '試合開始 ⚽ 👨‍👩‍👧',
      '\x1b[2J\x1b[31mred\x07',
      'สวัสดี 한국어',
      'Z̸̢̛a',
      '{bold}',
      'ａ'.repeat(99),
    ]
    await produce(['chat', '--create'], values.join('\n'))
    const terminal = new Terminal(t, [...consume('chat'), '--from-beginning'])
    await terminal.sees(/HEALTHY +6 records/)
    terminal.resize(100, 30)
    terminal.resize(80, 24)
    await terminal.sees(/␛\[2J␛\[31mred␇[\s\S]*\{bold\}[\s\S]*q quit/)
    // A screen read while it is drawn has short lines; a complete one has none.
    const seen = await until('every line is 80 columns wide', () => {
      const lines = terminal.lines().slice(2, 22)
      return lines.every((line) => columns(line) === 80) ? lines : undefined
    })
    t.equal(seen.length, 20)
    t.match(seen.join('\n'), /試合開始 ⚽ 👨/)
    t.notMatch(terminal.coloured(), `${esc}[31mred`)
  })

  t.test(
    'any topic can be searched, looked into, paused, sought in, and left for another',
    async (t) => {
      await produce(
        ['orders', '--create', '--partitions', '2', '-K', ':'],
        'a:{"n":1}\nb:two\nc:{"n":3}\n',
      )
      const terminal = new Terminal(t, [...consume('orders'), '--from-beginning'])
      await terminal.sees(/HEALTHY +3 records +lag 0 +no group/)

      terminal.press('/', 'key:c', 'Enter')
      t.notMatch(await terminal.sees(/records with key:c, 1 match ─/), /two/)
      terminal.press('Enter')
      await terminal.sees(
        /key 1 B, value 7 B[\s\S]*codec none[\s\S]*value +as json[\s\S]*│ +"n": 3 +│/,
      )
      terminal.press('Escape')
      await terminal.sees(/1 match ─/)
      terminal.press('Escape')
      await terminal.sees(/─ records ─[\s\S]*two/)

      terminal.press('Space')
      await terminal.sees(/PAUSED/)
      await produce(['orders', '-K', ':'], 'd:four\ne:five\n')
      t.notMatch(await terminal.sees(/PAUSED, 2 missed/), /four/)
      terminal.press('Space')
      await terminal.sees(/ 5 records[\s\S]*four[\s\S]*five|5 records[\s\S]*five[\s\S]*four/)

      terminal.press('s', '-1', 'Enter')
      await terminal.sees(/reading the last 1 records/)
      await terminal.sees(/ 7 records/)
      terminal.press('p', 'f', 'Enter')
      // Marked as pasted, line breaks neither send nor leave the field.
      terminal.paste('six\nlines\n\n\n\n')
      await terminal.sees(/value +six␊lines␊␊␊ [\s\S]*nothing is sent yet/)
      terminal.press('C-u', 'six', 'Enter', '1', 'Enter', 'from=form')
      await terminal.sees(/from=form/)
      terminal.press('Enter')
      await terminal.sees(/stored in partition 1 at offset \d+ *\n.*esc close/)
      terminal.press('Up', 'BSpace', '7')
      await terminal.sees(/partition +7/)
      terminal.press('C-s')
      await terminal.sees(/Cannot send to partition 7 of topic 'orders': it has 2/)
      terminal.press('Escape')
      await terminal.sees(/ 8 records[\s\S]*1 +\d+ f +six/)

      const file = join(t.testdir(), 'six.jsonl')
      terminal.press('/', 'C-u', 'value:six', 'Enter', 'e', 'C-u', file, 'Tab')
      await terminal.sees(/export 1 record with value:six/)
      terminal.press('Enter')
      await terminal.sees(/1 record, \d+ B, written to/)
      const exported: unknown = JSON.parse(readFileSync(file, 'utf8'))
      t.match(exported, {
        topic: 'orders',
        partition: 1,
        payload: 'six',
        headers: ['from', 'form'],
      })
      terminal.press('Escape')
      await terminal.sees(/1 match ─/)

      terminal.press('2')
      await terminal.sees(/part +first +position +end +lag +leader/)
      terminal.press('3')
      await terminal.sees(/│ fans +Empty +0 +0 /)
      terminal.press('o', '-15')
      await terminal.sees(/to +-15/)
      terminal.press('C-s')
      await terminal.sees(/goals +0 +40 +25 +-15 +15│[\s\S]*1 partition would move: y moves/)
      terminal.press('y')
      await terminal.sees(/the offsets of group fans are moved in 1 partition/)
      terminal.press('Enter')
      await terminal.sees(/│ fans +Empty +0 +15 /)
      terminal.press('4')
      const topics = await terminal.sees(/topic +partitions[\s\S]*goals +1[\s\S]*orders +2 /)
      const row = topics.split('\n').findIndex((line) => line.includes(' goals '))
      terminal.click(5, row)
      terminal.click(5, row)
      await terminal.sees(/goals by minute[\s\S]*t table/)
      terminal.press('q')
      t.match(await terminal.sees(/exit code/), /40 records read from goals, lag 0\nexit code 0/)
    },
  )

  t.test('NO_COLOR turns colours off', async (t) => {
    const plain = new Terminal(t, all, { environment: 'NO_COLOR=1' })
    await plain.sees(/HEALTHY +40 goals/)
    t.notMatch(plain.coloured(), new RegExp(`${esc}\\[(?:\\d+;)*(?:3[0-7]|4[0-7]|9\\d|10\\d)m`))
    const coloured = new Terminal(t, all)
    await coloured.sees(/HEALTHY +40 goals/)
    t.match(coloured.coloured(), new RegExp(`${esc}\\[(?:\\d+;)*42m`))
  })

  t.test('a locale without UTF-8 gets ASCII only', async (t) => {
    const terminal = new Terminal(t, all, { environment: 'LC_ALL=C' })
    const seen = await terminal.sees(/HEALTHY +40 goals/)
    t.match(seen, /^[\x20-\x7e\n]*$/)
    t.match(seen, /\+- goals by minute -+\+/)
    t.equal(minutesOn(seen).length, 13)
  })

  t.test('TERM=dumb gets lines instead of a screen', async (t) => {
    const terminal = new Terminal(t, [...all, '--max', '40'], { environment: 'TERM=dumb' })
    const seen = await terminal.sees(/exit code 0/)
    t.match(seen, /\{"id":"[0-9a-f]{4}-40","minute"/)
  })
})

t.test('a program that throws', { skip }, async (t) => {
  const file = fileURLToPath(new URL('crashing-screen.ts', import.meta.url))
  const failures = [
    { key: 'Space', says: /Error: an exception in a callback/ },
    { key: 'q', says: /Error: an unhandled rejection/ },
  ]
  for (const { key, says } of failures) {
    t.test(`restores the terminal and prints the reason: ${says.source}`, async (t) => {
      const terminal = new Terminal(t, [process.execPath, '--import=tsx', file])
      await terminal.sees(/CONNECTING/)
      t.equal(terminal.hasMouse(), true)
      terminal.press(key)
      const seen = await terminal.sees(/exit code 1/)
      t.equal(terminal.hasMouse(), false)
      t.match(seen, says)
      t.notMatch(seen, /│/)
    })
  }
})
