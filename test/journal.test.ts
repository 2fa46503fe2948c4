import { spawnSync } from 'node:child_process'
import { fstatSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { isJournal, priorities, withPriority } from '../src/journal.ts'

t.test('a descriptor is the journal if JOURNAL_STREAM names its device and inode', async (t) => {
  const descriptor = openSync(join(t.testdir({ file: '' }), 'file'), 'r')
  const { dev, ino } = fstatSync(descriptor)
  t.equal(isJournal(descriptor, `${dev}:${ino}`), true)
  t.equal(isJournal(descriptor, `${dev}:${ino + 1}`), false, 'its output went elsewhere since')
  t.equal(isJournal(descriptor, undefined), false)
})

t.test('each line is an entry of its own, and has its priority', async (t) => {
  t.equal(withPriority('one\n', priorities.warn), '<4>one\n')
  t.equal(withPriority('one\n  two\n', priorities.error), '<3>one\n<3>  two\n')
})

const writes = `import { makeLogger } from '${new URL('../src/pino-logger.ts', import.meta.url).href}'
const [format, toJournal] = process.argv.slice(1)
const logger = makeLogger({ program: 'p', level: 'debug', format, toJournal: toJournal === 'yes' })
for (const level of ['debug', 'info', 'warn', 'error']) logger.child({ a: 1 })[level]({}, 'said')
logger.error({ err: new Error('broken') }, 'failed')`

function linesOf(t: Test, format: string, toJournal: string): string[] {
  // Into a file: what a logger leaves unwritten at the end shows as missing.
  const out = join(t.testdir(), 'out')
  const stdout = openSync(out, 'w')
  const args = ['--import=tsx', '--input-type=module', '-e', writes, format, toJournal]
  spawnSync(process.execPath, args, { stdio: ['ignore', stdout, 'inherit'] })
  return readFileSync(out, 'utf8').trimEnd().split('\n')
}

t.test('the log has the priorities of its levels in the journal, in both formats', async (t) => {
  for (const format of ['json', 'pretty']) {
    const lines = linesOf(t, format, 'yes')
    const said = lines.filter((line) => line.includes('said'))
    t.same(
      said.map((line) => line.slice(0, 3)),
      ['<7>', '<6>', '<4>', '<3>'],
      format,
    )
    const failed = lines.slice(lines.findIndex((line) => line.includes('failed')))
    t.ok(failed.length > (format === 'pretty' ? 1 : 0))
    for (const line of failed) t.match(line, /^<3>/)
  }
})

t.test('elsewhere there are none', async (t) => {
  const [first] = linesOf(t, 'json', 'no')
  t.match(JSON.parse(first ?? ''), { level: 20, name: 'p', a: 1, msg: 'said' })
  t.match(linesOf(t, 'pretty', 'no').join('\n'), /^\[.*INFO.*said$/m)
})
