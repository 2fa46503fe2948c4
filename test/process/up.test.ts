import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { askHealth } from '../../src/cli/four-letter-word.ts'
import { freeBasePort, until, Zw } from './world.ts'

const host = '127.0.0.1'

async function upFlags(dataDir: string, servers: number): Promise<string[]> {
  const basePort = await freeBasePort({ servers, brokers: 0 })
  const flags = { servers, brokers: 0, data: dataDir, 'base-port': basePort }
  return Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)])
}

function basePortIn(flags: readonly string[]): number {
  return Number(flags[flags.indexOf('--base-port') + 1])
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

t.test('it prints ready, stops cleanly on SIGTERM, and reuses its data', async (t) => {
  const flags = await upFlags(t.testdir(), 3)
  const first = new Zw(t, ['up', ...flags])
  await first.untilLine(/^ready$/)
  const servers = `${host}:${basePortIn(flags) + 1},${host}:${basePortIn(flags) + 2}`
  const create = new Zw(t, ['shell', '-s', servers, 'create', '/kept', 'yes'])
  t.equal(await create.closed(), 0)
  const pids = first.childPids()
  t.equal(pids.length, 3)
  t.equal(await first.end('SIGTERM'), 0)
  t.notOk(pids.some(alive))

  const second = new Zw(t, ['up', ...flags])
  await second.untilLine(/^ready$/)
  const get = new Zw(t, ['shell', '-s', servers, 'get', '/kept'])
  t.equal(await get.closed(), 0)
  t.same(get.lines, ['yes'])
  t.equal(await second.end('SIGINT'), 0)
})

t.test('a server that dies is reported, and the others keep running', async (t) => {
  const flags = await upFlags(t.testdir(), 3)
  const zw = new Zw(t, ['up', ...flags])
  await zw.untilLine(/^ready$/)
  const [pid = 0] = zw.childPids()
  process.kill(pid, 'SIGKILL')
  await zw.untilLine(
    /^zw: server-\d was ended by SIGKILL, the others keep running; its log is .*server-\d\.log$/,
  )
  t.equal(zw.childPids().length, 2)
  t.equal(await zw.end('SIGTERM'), 0)
})

t.test('no server outlives a zw that is killed', async (t) => {
  const flags = await upFlags(t.testdir(), 1)
  const zw = new Zw(t, ['up', ...flags])
  await zw.untilLine(/^ready$/)
  const pids = zw.childPids()
  t.ok(pids.length === 1 && pids.every(alive))
  await zw.end('SIGKILL')
  await until('its server has exited too', () => (pids.some(alive) ? undefined : true))
  t.equal((await askHealth({ host, port: basePortIn(flags) + 1 })).role, 'lost')
})

t.test('a port in use is named with its member, and nothing is started', async (t) => {
  const flags = await upFlags(t.testdir(), 3)
  const port = basePortIn(flags) + 202
  const squatter = createServer()
  squatter.listen({ host, port })
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  const zw = new Zw(t, ['up', ...flags])
  t.equal(await zw.closed(), 1)
  t.match(zw.errors, `Cannot start server-2 on port ${port}: another process is using it`)
})

t.test('a data directory that cannot be created, or of another ensemble, is refused', async (t) => {
  const dataDir = t.testdir({ file: 'in the way' })
  const blocked = new Zw(t, ['up', ...(await upFlags(join(dataDir, 'file', 'below'), 3))])
  t.equal(await blocked.closed(), 1)
  t.match(blocked.errors, /Cannot use the data directory .*file\/below: ENOTDIR/)

  const other = t.testdir({ 'ensemble-size': '5\n' })
  const wrong = new Zw(t, ['up', ...(await upFlags(other, 3))])
  t.equal(await wrong.closed(), 1)
  t.match(wrong.errors, /Cannot run 3 servers on .*: it holds the data of 5/)
})

t.test('if a server cannot start, everything stops and the reason is printed', async (t) => {
  const dataDir = t.testdir({ 'server-2': { meta: 'rubbish' } })
  const zw = new Zw(t, ['up', ...(await upFlags(dataDir, 3))])
  t.equal(await zw.closed(), 1)
  t.match(
    zw.errors,
    /Cannot start the cluster: server-2 ended with code 1: Cannot start from .*meta/,
  )
  t.notOk(zw.lines.includes('ready'))
  t.ok(
    zw.lines.some((line) => /^server-2 {2}\| .* ERROR: /.test(line)),
    'errors are shown without --logs',
  )
})

t.test('a second zw on the same data is refused', async (t) => {
  const dataDir = t.testdir()
  const first = new Zw(t, ['up', ...(await upFlags(dataDir, 1))])
  await first.untilLine(/^ready$/)
  const second = new Zw(t, ['up', ...(await upFlags(dataDir, 1))])
  t.equal(await second.closed(), 1)
  t.match(second.errors, `process ${first.pid} is using it`)
  t.equal(await first.end('SIGTERM'), 0)
})

for (const flags of [
  ['--servers', '0'],
  ['--brokers', 'many'],
  ['--base-port', '65500'],
  ['--serverz', '3'],
]) {
  t.test(`a usage error: ${flags.join(' ')}`, async (t) => {
    const zw = new Zw(t, ['up', ...flags])
    t.equal(await zw.closed(), 2)
    t.match(zw.errors, flags[0]?.replace('--', ''))
  })
}
