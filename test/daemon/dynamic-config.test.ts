import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { readConfig } from '../../src/daemon/config.ts'
import { DynamicConfig, type FileStore } from '../../src/daemon/dynamic-config.ts'
import type { Server } from '../../src/daemon/server.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { replaceFile } from '../../src/replace-file.ts'
import { superUser } from '../compat/operations.ts'
import { freePorts } from '../free-ports.ts'
import { RecordingLogger } from '../recording-logger.ts'
import { serverOf } from './real-server.ts'

const line = (id: number, client = '') => `server.${id}=h${id}:1:2:participant${client}`
const textOf = (...lines: string[]) => lines.join('\n')
const at = (version: number) => version as Zxid

class MemoryStore implements FileStore {
  readonly files = new Map([['/zoo.cfg', 'dataDir=/d\nclientPort=5\nserver.1=h1:1:2\n']])
  readonly failing = new Set<string>()
  writes: string[] = []

  async read(path: string): Promise<string> {
    return this.files.get(path) ?? ''
  }

  async replace(path: string, text: string): Promise<void> {
    if (this.failing.has(path)) throw new Error('no space')
    this.writes.push(path)
    this.files.set(path, text)
  }
}

function configOf(store: FileStore, dynamicFile?: string) {
  const logger = new RecordingLogger()
  const files = { staticFile: '/zoo.cfg', dynamicFile }
  const config = new DynamicConfig({ self: 1 as ServerId, files, text: line(1), store, logger })
  return { config, logger }
}

t.test('the members move to a file of their own, and each configuration to its own', async (t) => {
  const store = new MemoryStore()
  const { config } = configOf(store)
  const before = store.files.get('/zoo.cfg')
  config.committed({ version: at(0x100000000), text: line(1) })
  config.committed({ version: at(0x100000001), text: textOf(line(1, ';0.0.0.0:5'), line(2)) })
  await config.settled()
  t.same(store.writes, [
    ...['/zoo.cfg.dynamic.100000000', '/zoo.cfg.bak', '/zoo.cfg'],
    ...['/zoo.cfg.dynamic.100000001', '/zoo.cfg'],
  ])
  t.equal(store.files.get('/zoo.cfg.bak'), before)
  t.equal(store.files.get('/zoo.cfg.dynamic.100000000'), `${line(1)}\n`)
  const dynamicConfigFile = 'dynamicConfigFile=/zoo.cfg.dynamic.100000001'
  t.equal(store.files.get('/zoo.cfg'), `dataDir=/d\n${dynamicConfigFile}\n`)
})

t.test('what the files say already is not written again', async (t) => {
  const store = new MemoryStore()
  const { config } = configOf(store, '/zoo.cfg.dynamic.7')
  config.committed({ version: at(7), text: line(1) })
  await config.settled()
  t.same(store.writes, [])
  const stale = configOf(store, '/zoo.cfg.dynamic.7').config
  stale.committed({ version: at(7), text: textOf(line(1), line(2)) })
  await stale.settled()
  t.same(store.writes, ['/zoo.cfg.dynamic.7', '/zoo.cfg'], 'an edited file')
})

t.test('a server that is yet to be added keeps its line; a removed one does not', async (t) => {
  const store = new MemoryStore()
  const { config } = configOf(store)
  config.committed({ version: at(1), text: line(2) })
  await config.settled()
  t.same(store.writes, [])
  config.committed({ version: at(2), text: textOf(line(1), line(2)) })
  config.committed({ version: at(3), text: line(2) })
  await config.settled()
  t.equal(store.files.get('/zoo.cfg.dynamic.3'), `${line(2)}\n`)
})

t.test('a file that cannot be written is a warning, and the next one is tried', async (t) => {
  const store = new MemoryStore()
  store.failing.add('/zoo.cfg.dynamic.1')
  const { config, logger } = configOf(store)
  config.committed({ version: at(1), text: textOf(line(1), line(2)) })
  await config.settled()
  t.match(
    logger.lines.filter(({ level }) => level === 'warn'),
    [{ fields: { file: '/zoo.cfg.dynamic.1' } }],
  )
  config.committed({ version: at(2), text: line(1) })
  await config.settled()
  t.equal(store.files.get('/zoo.cfg.dynamic.2'), `${line(1)}\n`)
})

t.test('two servers write their files, start from them, and go by their logs', async (t) => {
  const directory = t.testdir({ 1: {}, 2: {} })
  const host = '127.0.0.1'
  const ports = await freePorts(4)
  const members = [1, 2].map((id) => `server.${id}=${host}:${ports[id - 1]}:${id};${ports[id + 1]}`)
  const fileOf = (id: number) => join(directory, String(id), 'zoo.cfg')
  const original = (id: number) =>
    [
      ...[`dataDir=${join(directory, String(id), 'data')}`, `myid=${id}`, 'reconfigEnabled=true'],
      ...[`clientPortAddress=${host}`, 'logSegmentBytes=4194304', 'tickTime=200'],
      `DigestAuthenticationProvider.superDigest=${superUser.digest}`,
      ...members,
      '',
    ].join('\n')
  for (const id of [1, 2]) writeFileSync(fileOf(id), original(id))
  const store = { read: (path: string) => readFile(path, 'utf8'), replace: replaceFile }
  const running: Server[] = []
  const start = async (logger = new RecordingLogger()): Promise<ZkClient> => {
    for (const id of [1, 2]) {
      running.push(serverOf(readConfig(['--config', fileOf(id)], {}), logger, store))
    }
    await Promise.all(running.map((server) => server.start()))
    const zk = new ZkClient({ servers: ports.slice(2).map((port) => ({ host, port })) })
    t.teardown(() => zk.close())
    await zk.connect()
    await zk.addAuth('digest', superUser.credential)
    return zk
  }
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((server) => server.stop()))
  }
  t.teardown(stop)

  const zk = await start()
  const { data } = await zk.reconfig({ joining: `server.3=${host}:3:4:observer;${host}:5` })
  await zk.close()
  await stop()
  const [, version = ''] = /version=(\w+)/.exec(String(data)) ?? []
  for (const id of [1, 2]) {
    const file = fileOf(id)
    const dynamic = `${file}.dynamic.${version}`
    t.equal(readFileSync(dynamic, 'utf8').trim(), String(data).replace(/\nversion=.*/, ''))
    const now = readFileSync(file, 'utf8')
    t.match(now, new RegExp(`^dynamicConfigFile=${dynamic}$`, 'm'))
    t.notMatch(now, /^(server|clientPort=)/m)
    t.match(now, /^clientPortAddress=127/m, 'its line leaves the address open')
    t.equal(readFileSync(`${file}.bak`, 'utf8'), original(id))
    t.equal(
      readFileSync(`${file}.dynamic.100000000`, 'utf8').split('\n').length,
      3,
      'the first one',
    )
  }

  const edited = `${fileOf(1)}.dynamic.${version}`
  writeFileSync(edited, members.join('\n'))
  const logger = new RecordingLogger()
  const again = await start(logger)
  t.equal(String((await again.getConfig()).data), String(data), 'the log counts')
  await again.close()
  await stop()
  t.match(
    logger.lines.filter(({ message }) => message.includes('do not list the servers')),
    [{ level: 'warn', fields: { files: { length: 2 }, log: { length: 3 } } }],
    'one file was edited',
  )
  t.match(readFileSync(edited, 'utf8'), /server\.3=/, 'it is written again')
  t.notOk(existsSync(`${fileOf(1)}.new`))
})
