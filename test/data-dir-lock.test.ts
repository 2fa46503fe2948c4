import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { DataDirLockedError, lockDataDir } from '../src/data-dir-lock.ts'

t.test('a data directory is made, locked once, and free again after its release', async (t) => {
  const dataDir = join(t.testdir(), 'new')
  const release = lockDataDir(dataDir)
  const expected = { name: 'DataDirLockedError', pid: process.pid, file: join(dataDir, 'lock') }
  t.throws(() => lockDataDir(dataDir), expected)
  t.throws(() => lockDataDir(dataDir), new RegExp(`process ${process.pid} is using it`))
  release()
  t.same(readdirSync(dataDir), [])
  lockDataDir(dataDir)()
  release()
  t.same(readdirSync(dataDir), [], 'a second release is harmless')
})

t.test('the lock of a process that was killed does not count', async (t) => {
  const dataDir = t.testdir()
  const child: ChildProcess = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await once(child, 'spawn')
  const { pid } = child
  const lock = join(dataDir, 'lock')
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  writeFileSync(lock, JSON.stringify({ pid, started, boot }))
  t.throws(() => lockDataDir(dataDir), new RegExp(`process ${pid} is using it`))
  child.kill('SIGKILL')
  await once(child, 'exit')
  const release = lockDataDir(dataDir)
  t.match(JSON.parse(readFileSync(lock, 'utf8')), { pid: process.pid })
  t.same(readdirSync(dataDir), ['lock'])
  release()
})

const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
const stale = [
  { name: 'an id that another process has now', text: { pid: process.pid, started: '1', boot } },
  { name: 'another boot', text: { pid: process.pid, started: '1', boot: 'another' } },
  { name: 'garbage', text: 'garbage' },
  { name: 'nothing', text: '' },
  { name: 'no process', text: { pid: -1, started: null, boot: null } },
]
for (const { name, text } of stale) {
  t.test(`a lock left behind is taken over: ${name}`, async (t) => {
    const dataDir = t.testdir({ lock: typeof text === 'string' ? text : JSON.stringify(text) })
    const release = lockDataDir(dataDir)
    t.throws(() => lockDataDir(dataDir), DataDirLockedError)
    release()
  })
}
