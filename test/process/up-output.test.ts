// The output of `zw up`: progress, a summary, and only those log lines of its members that need
// attention.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { freeBasePort, Zw } from './world.ts'

const host = '127.0.0.1'

t.test('it reports the start of each member, then how to use the cluster', async (t) => {
  const dataDir = t.testdir()
  const basePort = await freeBasePort({ servers: 2, brokers: 1 })
  const size = ['--servers', '2', '--brokers', '1', '--base-port', String(basePort)]
  const zw = new Zw(t, ['up', ...size, '--data', dataDir])
  await zw.untilLine(/^ready$/)
  const pids = zw.childPids()
  t.equal(await zw.end('SIGTERM'), 0)

  const text = zw.lines.join('\n')
  t.equal(zw.lines[0], `zw: starting 2 servers and 1 broker in ${dataDir}`)
  for (const like of [
    /^zw: server-1 (leads|follows) after \d+\.\d s$/m,
    /^zw: server-2 (leads|follows) after \d+\.\d s$/m,
    /^zw: broker-1 is registered after \d+\.\d s$/m,
    /^zw: stopping 2 servers and 1 broker; a second Ctrl-C kills them$/m,
    `zw: stopped; the data stay in ${dataDir}`,
  ]) {
    t.match(text, like)
  }
  const summary = zw.lines.slice(zw.lines.indexOf('') + 1, zw.lines.indexOf('ready'))
  const servers = `${host}:${basePort + 1},${host}:${basePort + 2}`
  for (const part of [`zw shell -s ${servers}`, `zw produce goals`, dataDir, `kill ${zw.pid}`]) {
    t.ok(summary.join('\n').includes(part), part)
  }
  for (const pid of pids) t.match(summary.join('\n'), `process ${pid}`)
  t.equal(zw.lines.filter((line) => line === '').length, 3, 'no line interrupts the summary')
})

t.test('members write to files, and only lines that need attention are shown', async (t) => {
  const dataDir = t.testdir()
  const size = ['--servers', '1', '--brokers', '0']
  const basePort = await freeBasePort({ servers: 1, brokers: 0 })
  const flags = [...size, '--base-port', String(basePort), '--data', dataDir]
  const quiet = new Zw(t, ['up', ...flags])
  await quiet.untilLine(/^ready$/)
  t.equal(await quiet.end('SIGTERM'), 0)
  t.notOk(quiet.lines.some((line) => line.includes(' INFO: ')))
  t.match(readFileSync(join(dataDir, 'server-1.log'), 'utf8'), /"msg":"Leading"/)

  const told = new Zw(t, ['up', '--logs', ...flags])
  await told.untilLine(/^ready$/)
  t.ok(told.lines.some((line) => /^server-1 {2}\| .*INFO: Leading/.test(line)))
  t.equal(await told.end('SIGTERM'), 0)
})
