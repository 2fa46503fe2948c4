// The package as a program uses it: packed, unpacked, imported, and compiled against.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An empty project with the package; its dependencies resolve to those installed here. */
function project(t: Test): string {
  const directory = t.testdir()
  const command = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory]
  const packed = JSON.parse(execFileSync('npm', command, { cwd: root, encoding: 'utf8' })) as [
    { filename: string },
  ]
  const home = join(directory, 'node_modules', 'zooweeper')
  mkdirSync(home, { recursive: true })
  const tarball = join(directory, packed[0].filename)
  execFileSync('tar', ['xzf', tarball, '-C', home, '--strip-components=1'])
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module' }))
  return directory
}

const program = `
import {
  type Acl, type Attempt, type BrokerInfo, BrokerError, type ClusterInfo, type ConsumedRecord,
  Consumer, type ConsumerEvents, type ConsumerOptions, type CreateMode, type CreateOptions,
  type DataLike, type GroupOffset, MqAdmin, type MqAdminOptions, type MultiOp, type MultiResult,
  type NewRecord, type NewTopic, perms, Producer, type ProducerOptions, type ReadOptions,
  type ServerList, type SessionState, type Stat, type TopicInfo, type Watcher, type WatchEvent,
  ZkClient, type ZkClientOptions, ZkError, ZkMultiError,
} from 'zooweeper'
import { ZkClient as Client, ZkError as ClientError } from 'zooweeper/client'
import { BrokerError as AdminError, MqAdmin as Admin } from 'zooweeper/admin'
import { Consumer as OnlyConsumer } from 'zooweeper/consumer'
import * as mq from 'zooweeper/mq'
import { Producer as OnlyProducer } from 'zooweeper/producer'

const servers: ServerList = 'zoo1:2181,zoo2:2181/app'
const zkOptions: ZkClientOptions = { servers, sessionTimeoutMs: 5000 }
const acl: Acl[] = [{ perms: perms.read | perms.write, scheme: 'world', id: 'anyone' }]
const mode: CreateMode = 'ephemeralSequential'
const ops: MultiOp[] = [{ type: 'delete', path: '/a', version: 3 }]
const watcher: Watcher = ({ type, path }: WatchEvent) => console.log(type, path)

export async function tree(zk: ZkClient, data: DataLike): Promise<Stat | undefined> {
  const options: CreateOptions = { mode, acl }
  const { path, stat }: { path: string; stat: Stat } = await zk.create('/a', data, options)
  zk.on('unreachable', (attempts: readonly Attempt[]) => console.log(attempts[0]?.found))
  try {
    const results: MultiResult[] = await zk.multi(ops)
    console.log(results.length, stat.version)
  } catch (error) {
    if (error instanceof ZkMultiError) console.log(error.index)
    else if (error instanceof ZkError) console.log(error.code === 'BADVERSION', error.path)
  }
  const state: SessionState = zk.state
  const read: ReadOptions = { linearizable: state === 'connected' }
  return zk.exists(path, watcher, read)
}

export async function queue(producer: Producer, consumer: Consumer, admin: MqAdmin): Promise<void> {
  const topic: NewTopic = { topic: 'goals', partitions: 3 }
  const record: NewRecord = { topic: 'goals', key: 'k', value: new Uint8Array(3) }
  await admin.createTopic(topic)
  const cluster: ClusterInfo = await admin.cluster()
  const found: TopicInfo | undefined = cluster.topics[0]
  const brokers: readonly BrokerInfo[] = cluster.brokers
  const offsets: readonly GroupOffset[] = await admin.groupOffsets('fans', 'goals')
  try {
    console.log((await producer.send(record)).offset, found, brokers, offsets)
  } catch (error) {
    if (error instanceof BrokerError) console.log(error.code, error.retriable)
  }
  for await (const one of consumer) {
    const { offset, value }: ConsumedRecord = one
    console.log(offset, value?.toString())
    await consumer.commit()
  }
}

export const options: [ConsumerOptions, ProducerOptions, MqAdminOptions] = [
  { topic: 'goals', brokers: ['a:9092', { host: '::1', port: 9092 }], from: 'beginning' },
  { brokers: 'a:9092', acks: 'all' },
  { zk: new Client(zkOptions), timeoutMs: 1000 },
]
export type Events = ConsumerEvents['reset']
const same = Client === ZkClient && ClientError === ZkError && AdminError === BrokerError
export async function batches(producer: mq.Producer, consumer: mq.Consumer): Promise<number> {
  const signal = AbortSignal.timeout(1000)
  const target: mq.SeekTarget = { last: 10 }
  await consumer.seek(target, { partitions: [0], signal })
  await consumer.eachBatch(({ records, info }: mq.ConsumedBatch) => {
    const codec: mq.CodecName = info.codec
    console.log(records.length, codec)
  }, { commits: true })
  const stored: readonly mq.StoredRange[] = await producer.sendBatch(
    [{ topic: 'goals', value: 'x', headers: [{ key: 'h', value: null }] }], { signal })
  return mq.partitionFor(new Uint8Array(1), 3) + stored.length
}
const both = mq.Producer === Producer && mq.Consumer === Consumer && mq.MqAdmin === MqAdmin
console.log(both && same && Admin === MqAdmin && OnlyConsumer === Consumer && OnlyProducer === Producer)
// @ts-expect-error a mode that does not exist
export const wrong: CreateOptions = { mode: 'ephemral' }
`

t.test('a program compiles against the packed package, and runs with it', async (t) => {
  const directory = project(t)
  writeFileSync(join(directory, 'program.ts'), program)
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const flags =
    '--strict --module nodenext --moduleResolution nodenext --target es2022 --types node ' +
    '--exactOptionalPropertyTypes --ignoreConfig'
  const [, example = ''] =
    /```ts\n(.*?)```/s.exec(readFileSync(join(root, 'docs/client.md'), 'utf8')) ?? []
  writeFileSync(join(directory, 'example.ts'), example)
  const files = ['program.ts', 'example.ts']
  t.same(run(directory, compiler, ...flags.split(' '), ...files), { said: '', status: 0 })
  t.same(run(directory, 'program.js'), { said: 'true\n', status: 0 })
})

/** A Node process without the test runner's additions. */
function run(cwd: string, ...words: readonly string[]): { said: string; status: number | null } {
  const command = ['-u', 'NODE_OPTIONS', process.execPath, ...words]
  const { stdout, stderr, status } = spawnSync('env', command, { cwd, encoding: 'utf8' })
  return { said: `${stdout}${stderr}`, status }
}

t.test('the client loads nothing that only the servers and the shell need', async (t) => {
  const seen = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string) => {
    if (seen.has(file)) return
    seen.add(file)
    const source = readFileSync(file, 'utf8')
    for (const [, name = ''] of source.matchAll(/^(?:import|export) [^;]*?from '([^']+)'/gm)) {
      if (name.startsWith('.')) visit(resolve(file, '..', name))
      else if (!name.startsWith('node:')) packages.add(name)
    }
  }
  visit(join(root, 'dist/client/index.js'))
  t.same([...packages], ['msgpackr'])
})

t.test('every entry of the package exists, with its types', async (t) => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string>
  }
  for (const [name, file] of Object.entries(exports)) {
    t.ok(existsSync(join(root, file)), name)
    if (file.endsWith('.js')) t.ok(existsSync(join(root, file.replace(/js$/, 'd.ts'))), name)
  }
})
