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
  if (read.type !== 'config') throw new Error(String(read.text))
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
  if (read.type !== 'config') throw new Error(String(read.text))
  t.match(read.config, { id: 3, dataDir: resolve('x') })
})

t.test('an address that other machines cannot reach causes a warning', async (t) => {
  const read = readConfig([...needed, '--host=0.0.0.0'], {})
  if (read.type !== 'config') throw new Error(String(read.text))
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

t.test('Kafka’s value for no bound on timestamps is taken', async (t) => {
  for (const side of ['before', 'after', 'difference']) {
    const name = `log.message.timestamp.${side}.max.ms`
    const read = readConfig([...needed, `--${name}=9223372036854775807`], {})
    if (read.type !== 'config') throw new Error(String(read.text))
    t.equal(read.config.configs.file.get(name), String(Number.MAX_SAFE_INTEGER))
  }
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

const keys = ['--ssl.keystore.location=/k.pem', '--ssl.truststore.location=/t.p12']

function configOf(...flags: readonly string[]) {
  const read = readConfig([...needed, ...flags], {})
  if (read.type !== 'config') throw new Error(String(read.text))
  return read.config
}

t.test('one listener has the names that Kafka gives it', async (t) => {
  const plain = configOf()
  t.strictSame([plain.tls, plain.zooKeeperTls], [undefined, undefined])
  const advertised = '--advertised.listeners=SASL_SSL://broker.example.com:19093'
  const flags = ['--listeners=SASL_SSL://:9093', '--sasl.enabled.mechanisms=PLAIN', advertised]
  const config = configOf(...flags, ...keys, '--ssl.client.auth=requested', '--portUnification')
  t.match(config, {
    listen: { host: '0.0.0.0', port: 9093 },
    advertisedHost: 'broker.example.com',
    advertisedPort: 19_093,
    sasl: { mechanisms: ['PLAIN'], isRequired: true },
    tls: {
      settings: {
        clientAuth: 'want',
        keyStore: { files: ['/k.pem'] },
        trustStore: { files: ['/t.p12'] },
        isReloaded: true,
      },
      takesPlaintext: true,
      verifiesHost: true,
    },
  })
  t.strictSame(config.warnings, [])
  t.match(configOf('--listeners=PLAINTEXT://[::1]:7'), { listen: { host: '::1', port: 7 } })
  t.match(configOf('--zookeeper.ssl.client.enable=true'), { zooKeeperTls: { verifiesHost: true } })
})

const refused = [
  { flags: ['--listeners=SSL://:9093'], says: 'it needs ssl.keystore.location' },
  { flags: ['--listeners=SSL://:9093,PLAINTEXT://:9092'], says: 'name one listener' },
  { flags: ['--listeners=TLS://:9093'], says: 'it must be PROTOCOL://host:port' },
  { flags: ['--listeners=SASL_SSL://:9093', ...keys], says: 'set saslMechanisms, too' },
  {
    flags: ['--listeners=SSL://:9093', '--advertised.listeners=PLAINTEXT://h:9093', ...keys],
    says: 'its protocol has to be that of listeners, SSL',
  },
  {
    flags: ['--security.inter.broker.protocol=SSL'],
    says: 'it has to be that of listeners, PLAINTEXT',
  },
  { flags: ['--portUnification'], says: 'it needs listeners=SSL' },
  {
    flags: ['--listeners=SSL://:1', '--ssl.keystore.location=/k', '--ssl.client.auth=required'],
    says: 'it needs ssl.truststore.location',
  },
  {
    flags: ['--listeners=SSL://:1', ...keys, '--ssl.enabled.protocols=TLSv1'],
    says: 'TLSv1 is not one of TLSv1.2, TLSv1.3',
  },
]
for (const { flags, says } of refused) {
  t.test(`refuses ${flags.join(' ')}`, async (t) => {
    t.throws(() => configOf(...flags), { message: says })
  })
}

t.test('a broker that is described does not show passwords', async (t) => {
  const passwords = ['ssl.keystore', 'ssl.key', 'ssl.truststore', 'zookeeper.ssl.keystore']
  const config = configOf(...passwords.map((name) => `--${name}.password=hunter2`), ...keys)
  t.notMatch(JSON.stringify(config.configs), /hunter2|password/)
  t.match(JSON.stringify(config.configs), /ssl.keystore.location/)
})
