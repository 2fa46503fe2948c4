import { resolve } from 'node:path'
import t from 'tap'
import { readConfig } from '../../src/broker/config.ts'
import { OptionError } from '../../src/options.ts'

const needed = ['--id=3', '--data-dir=x']

t.test('flags become one checked object', async (t) => {
  const read = readConfig(
    [...needed, '--zooweeper=a:1,b/root', '--min.insync.replicas=1', '--log.flush=os', '--port=7'],
    { MQ_REPLICA_LAG_TIME_MAX_MS: '900' },
  )
  if (read.type !== 'config') throw new Error(read.text)
  t.match(read.config, {
    id: 3,
    dataDir: resolve('x'),
    listen: { host: '127.0.0.1', port: 7 },
    advertisedHost: '127.0.0.1',
    flush: 'os',
    replicaLagTimeMsMax: 900,
    zooweeper: {
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2181 },
      ],
      chroot: '/root',
    },
  })
  t.same(read.config.warnings, [])
})

t.test('Kafka’s option names are accepted too', async (t) => {
  const read = readConfig(['--broker.id=3', '--log.dirs=x', '--zookeeper.connect=a:1'], {})
  if (read.type !== 'config') throw new Error(read.text)
  t.match(read.config, { id: 3, dataDir: resolve('x') })
})

t.test('an address that other machines cannot reach causes a warning', async (t) => {
  const read = readConfig([...needed, '--host=0.0.0.0'], {})
  if (read.type !== 'config') throw new Error(read.text)
  t.match(read.config.warnings, [/advertised-host/])
})

t.test('the data of another program is refused, and the program is named', async (t) => {
  const directory = t.testdir({
    server: { meta: '0a1b2c3d {"formatVersion":1}\n', tree: {}, log: {} },
    zookeeper: { 'version-2': { 'log.1': '' } },
    kafka: { 'meta.properties': '' },
    ours: { 'broker.json': '{}', 'meta.properties': '' },
    new: {},
  })
  const at = (name: string) => readConfig(['--id=1', '--data-dir', `${directory}/${name}`], {})
  t.throws(() => at('server'), /data of zooweeperd, a ZooWeeper server \(meta\): give this broker/)
  t.throws(() => at('zookeeper'), /data of ZooKeeper \(version-2.log.1\)/)
  t.throws(() => at('kafka'), /data of Kafka/)
  for (const name of ['ours', 'new']) t.equal(at(name).type, 'config', name)
})

for (const flags of [
  ['--data-dir=x'],
  ['--id=1'],
  ['--id=-1', '--data-dir=x'],
  [...needed, '--zooweeper=a:1:2'],
  [...needed, '--log.flush=never'],
  [...needed, '--no-such-thing=1'],
]) {
  t.test(`refuses ${flags.join(' ')}`, async (t) => {
    t.throws(() => readConfig(flags, {}), OptionError)
  })
}
