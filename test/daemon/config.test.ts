import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { type DaemonConfig, readConfig } from '../../src/daemon/config.ts'
import { fourLetterWords } from '../../src/daemon/four-letter-word.ts'
import { OptionError } from '../../src/options.ts'

function config(argv: readonly string[], environment: Record<string, string> = {}): DaemonConfig {
  const read = readConfig(argv, environment)
  if (read.type === 'print') throw new Error(String(read.text))
  return read.config
}

const three = [
  '--server.1=localhost:2888:3888',
  '--server.2=localhost:2889:3889',
  '--server.3=localhost:2890:3890',
]

const tlsFlags = [
  '--data-dir=/d',
  '--secureClientPort=2281',
  '--ssl.keyStore.location=/k.pem',
  '--ssl.trustStore.location=/t.p12',
]

t.test('a data directory is enough for a server that stands alone', async (t) => {
  const dataDir = t.testdir()
  const expected: DaemonConfig = {
    serverId: 1 as DaemonConfig['serverId'],
    servers: [],
    groups: undefined,
    dataDir,
    clientListen: { host: undefined, port: 2181 },
    secureClientListen: undefined,
    clientTls: undefined,
    clientPortUnification: false,
    peerListen: [],
    peerSecretFile: undefined,
    peerSecretRequired: true,
    quorumTls: undefined,
    tickTimeMs: 2000,
    initLimitTicks: 10,
    syncLimitTicks: 5,
    leaderTimeoutMs: 600,
    minSessionTimeoutMs: 4000,
    maxSessionTimeoutMs: 40_000,
    connectionsPerAddressMax: 60,
    connectionsMax: Infinity,
    sessionlessCnxnTimeoutMs: 10_000,
    globalOutstandingLimit: 65_536,
    juteMaxBuffer: 1_048_575,
    extendedTypesEnabled: true,
    reconfigEnabled: false,
    configFiles: undefined,
    standaloneEnabled: true,
    containerCheckIntervalMs: 60_000,
    containerMaxPerMinute: 10_000,
    containerMaxNeverUsedIntervalMs: 0,
    enforceQuota: false,
    superDigest: undefined,
    x509SuperUser: undefined,
    skipAcl: false,
    sasl: undefined,
    enforcedAuthSchemes: undefined,
    auditEnabled: false,
    auditFile: undefined,
    readOnlyModeEnabled: false,
    fourLetterWords: new Set(['srvr']),
    fsyncWarningThresholdMs: 1000,
    bootstrap: false,
    logSegmentBytes: 64 * 1024 * 1024,
    logKept: { segments: 3, bytes: 0 },
    logLevel: 'info',
    logFormat: 'json',
    warnings: [],
    origins: {
      dataDir: `data-dir=${dataDir} from the command line`,
      peerSecretFile: 'no peerSecretFile',
      auditFile: 'no auditFile',
      client: { host: 'no clientPortAddress', port: 'clientPort=2181, its default' },
      secureClient: { host: 'no secureClientPortAddress', port: 'no secureClientPort' },
      peer: undefined,
    },
  }
  t.same(config(['--data-dir', dataDir]), expected)
  const origins = {
    ...expected.origins,
    dataDir: `dataDir=${dataDir} from the environment (ZW_DATA_DIR)`,
  }
  t.same(config([], { ZW_DATA_DIR: dataDir }), { ...expected, origins })
})

t.test('a server with several addresses listens on each, and voters are in groups', async (t) => {
  const { groups, peerListen, servers, warnings } = config([
    ...['--data-dir=/d', '--myid=1', '--multiAddress.enabled=true'],
    '--server.1=localhost:2888:3888|127.0.0.2:2889:3889',
    ...['--server.2=localhost:2890:3890', '--group.1=1', '--group.2=2', '--weight.2=3'],
  ])
  t.same(peerListen, [
    { host: 'localhost', port: 2888 },
    { host: '127.0.0.2', port: 2889 },
  ])
  t.equal(servers[0]?.addresses.length, 2)
  t.same(
    [...(groups?.groups ?? [])],
    [
      [1, [1]],
      [2, [2]],
    ],
  )
  t.same(
    [...(groups?.weights ?? [])],
    [
      [1, 1],
      [2, 3],
    ],
  )
  t.same(warnings, [])
})

t.test("ZooKeeper's own file is accepted unchanged, with myid in dataDir", async (t) => {
  const directory = t.testdir({ data: { myid: '2\n' } })
  const file = join(directory, 'zoo.cfg')
  writeFileSync(
    file,
    `# The number of milliseconds of each tick
tickTime=2000
initLimit=10
syncLimit=5
dataDir=${join(directory, 'data')}
dataLogDir=/var/lib/zookeeper/log
clientPort=2181
maxClientCnxns=0
autopurge.snapRetainCount=5
autopurge.purgeInterval=24
4lw.commands.whitelist=*
metricsProvider.exportJvmInfo=true

server.1=zoo1:2888:3888
server.2=127.0.0.1:2888:3888:participant;0.0.0.0:2181
server.3=[fe80::3]:2888:3888;2181
`,
  )
  const { warnings, ...rest } = config(['--config', file])
  const role = 'participant'
  const at = (host: string) => [{ host, peerPort: 2888, electionPort: 3888 }]
  t.same([...rest.fourLetterWords].sort(), [...fourLetterWords].sort())
  t.equal(rest.serverId, 2)
  t.equal(rest.connectionsPerAddressMax, Infinity)
  t.same(rest.logKept, { segments: 5, bytes: 0 }, 'it keeps logs for as many snapshots')
  t.same(rest.clientListen, { host: '0.0.0.0', port: 2181 })
  t.same(rest.peerListen, [{ host: '127.0.0.1', port: 2888 }])
  t.same(rest.servers, [
    { id: 1, addresses: at('zoo1'), role, client: undefined },
    { id: 2, addresses: at('127.0.0.1'), role, client: { host: '0.0.0.0', port: 2181 } },
    { id: 3, addresses: at('fe80::3'), role, client: { host: undefined, port: 2181 } },
  ])
  t.match(warnings, [
    /autopurge.purgeInterval/,
    /metricsProvider.exportJvmInfo/,
    /dataLogDir=.var.lib.zookeeper.log from .*zoo.cfg:6 has no effect/,
  ])
})

t.test('the leader time-out never exceeds tickTime × syncLimit', async (t) => {
  const base = ['--data-dir=/d', '--tick-time=100']
  t.equal(config([...base, '--sync-limit=5']).leaderTimeoutMs, 500)
  t.equal(config([...base, '--sync-limit=50']).leaderTimeoutMs, 600)
  t.equal(config([...base, '--sync-limit=50', '--leader-timeout-ms=900']).leaderTimeoutMs, 900)
  const capped = config([...base, '--sync-limit=5', '--leader-timeout-ms=900'])
  t.equal(capped.leaderTimeoutMs, 500)
  t.match(capped.warnings, [/leaderTimeoutMs is 500 and not 900/])
})

t.test('session time-outs follow tickTime, and -1 is their default', async (t) => {
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = config([
    '--dataDir=/d',
    '--tickTime=500',
    '--maxSessionTimeout=-1',
    '--minSessionTimeout=300',
  ])
  t.equal(minSessionTimeoutMs, 300)
  t.equal(maxSessionTimeoutMs, 10_000)
})

t.test('a peer port beyond this machine is one warning that names the risk', async (t) => {
  const open = config([
    ...three.slice(1),
    '--server.1=10.0.0.1:2888:3888',
    '--id=1',
    '--data-dir=/d',
  ])
  t.match(open.warnings, [/10\.0\.0\.1, port 2888.*take over or destroy/])
  const all = config([...three, '--quorumListenOnAllIPs', '--id=1', '--data-dir=/d'])
  t.same(all.peerListen, [{ host: undefined, port: 2888 }])
  t.match(all.warnings, [/all addresses, port 2888/])
  t.same(config([...three, '--id=1', '--data-dir=/d']).warnings, [])
})

t.test('the client port may stand in our own server line', async (t) => {
  const line = '--server.1=localhost:2888:3888;127.0.0.1:3000'
  const base = [line, '--id=1', '--data-dir=/d']
  t.same(config(base).clientListen, { host: '127.0.0.1', port: 3000 })
  t.same(config([...base, '--clientPort=3000']).clientListen, { host: '127.0.0.1', port: 3000 })
  t.throws(() => config([...base, '--clientPort=3001']), /server.1 line has client port 3000/)
  t.throws(() => config([...base, '--clientPortAddress=::1']), /client address 127.0.0.1/)
  const open = ['--data-dir=/d', '--id=1', '--server.1=h:1:2;0.0.0.0:5', '--clientPortAddress=::1']
  t.same(config(open).clientListen, { host: '::1', port: 5 }, 'all addresses leave the choice')
})

t.test('a server line says whether its server observes, and peerType only agrees', async (t) => {
  const lines = [
    '--server.1=h:1:2',
    '--server.2=i:1:2:OBSERVER;2181',
    '--server.3=j:1:2:participant',
  ]
  const base = [...lines, '--data-dir=/d', '--insecure']
  const { servers, warnings } = config([...base, '--id=2'])
  t.same(
    servers.map(({ role }) => role),
    ['participant', 'observer', 'participant'],
  )
  t.same(warnings, [], 'peerType need not be given')
  const disagreeing = [
    { id: 1, peerType: 'observer', says: /server.1 says participant, and it decides/ },
    { id: 2, peerType: 'participant', says: /server.2 says observer, and it decides/ },
  ]
  for (const { id, peerType, says } of disagreeing) {
    const read = config([...base, `--id=${id}`, `--peerType=${peerType}`])
    t.match(read.warnings, [says])
    t.same(read.servers, servers)
  }
  t.same(config([...base, '--id=2', '--peerType=Observer']).warnings, [])
  t.match(config(['--data-dir=/d', '--peerType=observer']).warnings, [/stands alone/])
})

t.test('myid is read from the data directory', async (t) => {
  const dataDir = t.testdir()
  const base = ['--data-dir', dataDir]
  t.throws(() => config([...base, ...three]), /myid, or give --myid/)
  for (const text of ['', 'two', '-1', '2147483648', '1.5']) {
    writeFileSync(join(dataDir, 'myid'), text)
    t.throws(() => config([...base, ...three]), OptionError, `myid '${text}'`)
  }
  writeFileSync(join(dataDir, 'myid'), '3\n')
  t.equal(config([...base, ...three]).serverId, 3)
  t.equal(config([...base, ...three, '--myid=2']).serverId, 2)
  t.equal(config(base).serverId, 3, 'for a server that stands alone too')
  mkdirSync(join(dataDir, 'other', 'myid'), { recursive: true })
  t.throws(() => config(['--data-dir', join(dataDir, 'other')]), /cannot be read/)
})

const refusals = [
  { name: 'no data directory', argv: [], says: 'Cannot determine dataDir' },
  { name: 'no election port', argv: ['--server.1=h:1'], says: 'electionPort' },
  {
    name: 'observers alone',
    argv: ['--server.1=h:1:2:observer', '--server.2=i:1:2:Observer', '--id=1'],
    says: 'every server is an observer',
  },
  {
    name: 'an unknown kind of server',
    argv: ['--peerType=chief'],
    says: 'participant or observer',
  },
  { name: 'an unknown role', argv: ['--server.1=h:1:2:chief'], says: ':participant' },
  {
    name: 'several addresses of two roles',
    argv: ['--server.1=h:1:2:observer|i:1:2:participant'],
    says: 'its addresses name different roles',
  },
  {
    name: 'a participant in no group',
    argv: [...three, '--group.1=1:2'],
    says: 'Cannot use group.1=1:2 from the command line: server.3 is in no group',
  },
  {
    name: 'a server in two groups',
    argv: [...three, '--group.1=1:2', '--group.2=2:3'],
    says: 'group.2=2:3 from the command line: server.2 is in group.1',
  },
  { name: 'a peer port of 0', argv: ['--server.1=h:0:2'], says: '1 to 65535' },
  { name: 'a port too large', argv: ['--server.1=h:1:65536'], says: '1 to 65535' },
  { name: 'an id that no line has', argv: [...three, '--id=4'], says: 'no server.4 line' },
  {
    name: 'two servers at one place',
    argv: ['--server.1=h:1:2', '--server.2=H:1:3'],
    says: 'server.1 has the same host and peer port',
  },
  {
    name: 'time-outs the wrong way round',
    argv: ['--min-session-timeout=50000'],
    says: 'least session time-out is above the greatest, 40000',
  },
  {
    name: 'TLS without a key',
    argv: ['--secureClientPort=2281'],
    says: 'it needs ssl.keyStore.location',
  },
  {
    name: 'TLS on the client port without a key',
    argv: ['--client.portUnification=true'],
    says: 'Cannot use client.portUnification=true from the command line: it needs ssl.keyStore',
  },
  {
    name: 'certificates of clients without their authority',
    argv: ['--secureClientPort=2281', '--ssl.keyStore.location=/k.pem'],
    says: 'Cannot use ssl.clientAuth=need, its default: it needs ssl.trustStore.location',
  },
  {
    name: 'an old version of TLS',
    argv: [...tlsFlags, '--ssl.enabledProtocols=TLSv1.2,TLSv1.1'],
    says: 'TLSv1.1 is not one of TLSv1.2, TLSv1.3 (RFC 8996 forbids older ones)',
  },
  {
    name: 'a cipher suite that OpenSSL does not have',
    argv: [...tlsFlags, '--ssl.ciphersuites=TLS_KRB5_WITH_RC4_128_SHA'],
    says: 'TLS_KRB5_WITH_RC4_128_SHA is no cipher suite',
  },
  { name: 'revocation lists', argv: ['--ssl.crl=true'], says: 'not checked for revocation' },
  {
    name: 'a super user without the form of a name in a certificate',
    argv: ['--X509AuthenticationProvider.superUser=admin'],
    says: 'it must be the name in a certificate, such as CN=admin,O=Example',
  },
  {
    name: 'a dynamic file that is not there',
    argv: ['--dynamicConfigFile=/nowhere/x'],
    says: 'configuration file /nowhere/x',
  },
  {
    name: 'an id out of range',
    argv: ['--server.2147483648=h:1:2'],
    says: 'N is a whole number from 0 to 2147483647',
  },
  { name: 'an id that is not a number', argv: ['--server.one=h:1:2'], says: 'N is a whole number' },
  {
    name: 'clients that must authenticate by SASL',
    argv: ['--sessionRequireClientSASLAuth=true'],
    says: 'it needs java.security.auth.login.config',
  },
  { name: 'a quorum by an oracle', argv: ['--oraclePath=/x'], says: 'groups' },
  { name: 'weights without groups', argv: [...three, '--weight.1=2'], says: 'needs groups' },
  {
    name: 'SASL between servers',
    argv: ['--quorum.auth.enableSasl=true'],
    says: 'servers authenticate each other by peerSecretFile; false is accepted',
  },
  {
    name: 'TLS between servers without a key',
    argv: ['--sslQuorum=true'],
    says: 'Cannot use sslQuorum=true from the command line: it needs ssl.quorum.keyStore.location',
  },
  {
    name: 'TLS between servers without an authority',
    argv: ['--portUnification', '--ssl.quorum.keyStore.location=/k.pem'],
    says: 'it needs ssl.quorum.trustStore.location',
  },
  {
    name: 'another digest',
    argv: ['--DigestAuthenticationProvider.digestAlg=SHA-256'],
    says: 'SHA1 or SHA-1 is accepted',
  },
  {
    name: 'an unknown scheme',
    argv: ['--enforce.auth.schemes=sasl,digest'],
    says: 'clients cannot authenticate by sasl',
  },
  {
    name: 'authentication by no scheme',
    argv: ['--enforce.auth.enabled=true'],
    says: 'it also needs enforce.auth.schemes',
  },
  {
    name: 'frames too small for a request',
    argv: ['--jute.maxbuffer=1023'],
    says: '1024 to 8388608',
  },
]
for (const { name, argv, says } of refusals) {
  t.test(`refused: ${name}`, async (t) => {
    const directory =
      argv.length === 0
        ? []
        : ['--data-dir=/nowhere', ...(argv.includes('--id=4') ? [] : ['--id=1'])]
    const error = t.throws(() => config([...argv, ...directory])) as unknown as Error
    t.ok(error instanceof OptionError)
    t.ok(error.message.includes(says), error.message)
  })
}

const system = {
  'DigestAuthenticationProvider.superDigest': 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
  'jute.maxbuffer': '0x3fffff',
  extendedTypesEnabled: 'false',
  skipACL: 'yes',
  enforceQuota: 'true',
  'readonlymode.enabled': 'true',
  'znode.container.checkIntervalMs': '1000',
  'znode.container.maxPerMinute': '60',
  'znode.container.maxNeverUsedIntervalMs': '5000',
  maxClientCnxns: '7',
  maxCnxns: '70',
  globalOutstandingLimit: '1000',
  '4lw.commands.whitelist': 'mntr, ruok,nope',
  'enforce.auth.enabled': 'true',
  'enforce.auth.schemes': 'digest, ip',
  'nio.sessionlessCnxnTimeout': '3000',
  'fsync.warningthresholdms': '20',
}
for (const prefix of ['', 'zookeeper.']) {
  t.test(`Java's system properties are keys, with '${prefix}' before them`, async (t) => {
    const lines = Object.entries(system).map(([key, value]) => `${prefix}${key}=${value}`)
    const file = join(t.testdir(), 'zoo.cfg')
    writeFileSync(file, ['dataDir=/d', ...lines].join('\n'))
    const read = config(['--config', file])
    t.match(read, {
      superDigest: 'super:xQJmxLMiHGwaqBvst5y6rkB6HQs=',
      juteMaxBuffer: 4_194_303,
      extendedTypesEnabled: false,
      skipAcl: true,
      enforceQuota: true,
      readOnlyModeEnabled: true,
      containerCheckIntervalMs: 1000,
      containerMaxPerMinute: 60,
      containerMaxNeverUsedIntervalMs: 5000,
      connectionsPerAddressMax: 7,
      connectionsMax: 70,
      globalOutstandingLimit: 1000,
      enforcedAuthSchemes: ['digest', 'ip'],
      sessionlessCnxnTimeoutMs: 3000,
      fsyncWarningThresholdMs: 20,
    })
    t.same([...read.fourLetterWords].sort(), ['isro', 'mntr', 'nope', 'ruok'])
    t.match(read.warnings, [/nope, which is not a known four-letter word/])
  })
}

t.test('a super digest that is a password is refused, and not shown', async (t) => {
  const name = 'DigestAuthenticationProvider.superDigest'
  for (const value of ['super:secret', 'secret', 'super:']) {
    const error = t.throws(() =>
      config(['--data-dir=/d', `--${name}=${value}`]),
    ) as unknown as Error
    t.match(error.message, /superDigest from the command line: it must be user:base64/)
    t.notOk(error.message.includes('secret'))
  }
})

const accepted = [
  { line: 'emulate353TTLNodes=true', warns: /no znode was written by ZooKeeper 3.5.3/ },
  { line: 'authProvider.sasl=x', warns: /authProvider.sasl .*an ACL of another scheme is refused/ },
  {
    line: 'metricsProvider.className=org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider',
    warns: /metrics are read with the four-letter word mntr/,
  },
  { line: 'metricsProvider.httpPort=7000', warns: /mntr/ },
  {
    line: 'jute.maxbuffer=16777216',
    warns: /16777216 from .*:2 is taken as 8388608, the greatest/,
  },
  { line: 'globalOutstandingLimit=1000000', warns: /is taken as 65536/ },
  { line: 'maxClientCnxns=-1', warns: /is taken as 0, the least/ },
  { line: 'ssl.quorum.allowReverseDnsLookup=true', warns: /names the host of a server.N line/ },
  {
    line: 'quorum.auth.kerberos.servicePrincipal=zk/_HOST',
    warns: /authenticate each other by peerSecretFile/,
  },
  { line: 'jaasLoginRenew=3600000', warns: /DIGEST-MD5, not Kerberos/ },
  { line: 'superUser=CN=x', warns: /no effect without java.security.auth.login.config/ },
  { line: 'server.principal=zk', warns: /DIGEST-MD5, not Kerberos/ },
  { line: 'observerMasterPort=2191', warns: /follows the leader itself/ },
]
for (const { line, warns } of accepted) {
  t.test(`accepted, with one warning that names the difference: ${line}`, async (t) => {
    const file = join(t.testdir(), 'zoo.cfg')
    writeFileSync(file, `dataDir=/d\n${line}\n`)
    const { warnings } = config(['--config', file])
    t.equal(warnings.length, 1)
    t.match(warnings[0], warns)
  })
}

t.test('the greatest jute.maxbuffer is that of the links between servers', async (t) => {
  t.equal(config(['--data-dir=/d', '--jute.maxbuffer=0x4000000']).juteMaxBuffer, 8_388_608)
})

t.test('ids of 0, and above 255, are valid', async (t) => {
  const lines = ['--server.0=a:1:2', '--server.256=b:1:2', '--server.70000=c:1:2']
  const { servers, serverId } = config([...lines, '--data-dir=/d', '--myid=0'])
  t.equal(serverId, 0)
  t.same(
    servers.map(({ id }) => id),
    [0, 256, 70_000],
  )
  const dataDir = t.testdir({ myid: '256\n' })
  t.equal(config([...lines, '--data-dir', dataDir]).serverId, 256)
})

t.test('the file with the servers of a reconfigured ZooKeeper is read', async (t) => {
  const directory = t.testdir({
    'zoo.cfg.dynamic.100000000':
      'server.1=a:2888:3888:participant;0.0.0.0:2181\nserver.2=b:2888:3888;2181\nversion=100000000\n',
  })
  const dynamic = join(directory, 'zoo.cfg.dynamic.100000000')
  const file = join(directory, 'zoo.cfg')
  const write = (...lines: string[]) =>
    writeFileSync(
      file,
      ['dataDir=/d', 'reconfigEnabled=true', `dynamicConfigFile=${dynamic}`, ...lines].join('\n'),
    )
  write()
  const { servers } = config(['--config', file, '--myid=2'])
  t.match(servers, [
    { id: 1, addresses: [{ host: 'a' }] },
    { id: 2, addresses: [{ host: 'b' }] },
  ])
  write('server.1=a:2888:3888')
  t.throws(() => config(['--config', file, '--myid=2']), {
    message: `server.1 from ${file}:4: it is already set in ${dynamic}:1`,
  })
  write()
  t.same(config(['--config', file, '--myid=2']).configFiles, {
    staticFile: file,
    dynamicFile: dynamic,
  })
  const further = '--server.3=c:2888:3888'
  t.equal(config(['--config', file, '--myid=2', further]).configFiles, undefined, 'not only files')
  t.throws(() => config(['--config', file, '--myid=3']), {
    message: `there is no server.3 line in ${dynamic}. If this server was removed`,
  })
  writeFileSync(dynamic, 'server.1=a:x:3888\n')
  t.throws(() => config(['--config', file]), { message: `from ${dynamic}:1` })
})

t.test("the file overrides Java's flags, and JVMFLAGS overrides SERVER_JVMFLAGS", async (t) => {
  const file = join(t.testdir(), 'zoo.cfg')
  writeFileSync(file, 'dataDir=/d\nmaxClientCnxns=5\n')
  const environment = {
    SERVER_JVMFLAGS:
      '-Xmx1000m -Djute.maxbuffer=4194304 -Dzookeeper.maxClientCnxns=7 -Dzookeeper.maxCnxns=8',
    JVMFLAGS:
      '-Dzookeeper.maxCnxns=9 -Dzookeeper.skipACL=yes -Djava.security.krb5.conf=/secret ' +
      '-Dzookeeper.nothing=1 -DskipACL=no  -Dzookeeper.leaderServes=no',
  }
  const read = config(['--config', file], environment)
  t.equal(read.juteMaxBuffer, 4_194_304)
  t.equal(read.connectionsPerAddressMax, 5)
  t.equal(read.connectionsMax, 9)
  t.equal(read.skipAcl, true)
  t.same(read.warnings, [
    '-Xmx1000m from the environment (SERVER_JVMFLAGS) has no effect here: there is no JVM',
    '-Djava.security.krb5.conf, -DskipACL from the environment (JVMFLAGS) has no effect here: there is no JVM',
    'zookeeper.nothing from the environment (JVMFLAGS) has no effect here',
    'zookeeper.leaderServes from the environment (JVMFLAGS) has no effect here: the leader serves clients',
  ])
  t.throws(() => config(['--config', file], { JVMFLAGS: '-Djute.maxbuffer=many' }), {
    message: 'jute.maxbuffer=many from the environment (JVMFLAGS)',
  })
  t.throws(() => config(['--config', file], { JVMFLAGS: '-Dzookeeper.sslQuorum=true' }), {
    message:
      'zookeeper.sslQuorum=true from the environment (JVMFLAGS): it needs ssl.quorum.keyStore',
  })
})

t.test('a dataDir that is probably a mistake is one warning', async (t) => {
  const file = join(t.testdir(), 'zoo.cfg')
  const warningsOf = (value: string) => {
    writeFileSync(file, `dataDir=${value}\n`)
    return config(['--config', file]).warnings
  }
  t.match(warningsOf('data/zk'), [/dataDir=data.zk from .*:1 is relative, and means \/.*data.zk/])
  t.match(warningsOf('"/d"').join('\n'), /dataDir="\/d" from .*:1 includes its quotation marks/)
  t.match(warningsOf("'/d'").join('\n'), /quotation marks/)
  for (const meant of ['/d', './data', '../data', '.']) t.same(warningsOf(meant), [], meant)
  t.same(
    config(['--data-dir=data']).warnings,
    [],
    'a relative path on the command line is intended',
  )
})

t.test('data of ZooKeeper is named, with the steps to copy it', async (t) => {
  const foreign = {
    snapshot: { 'version-2': { 'snapshot.0': '' } },
    log: { 'version-2': { 'log.100000001': '' } },
    compressed: { myid: '1', 'version-2': { 'snapshot.1a.gz': '' } },
    epochs: { 'version-2': { currentEpoch: '1' } },
    itself: { 'log.1': '', 'snapshot.0': '' },
  }
  const directory = t.testdir({
    ...foreign,
    new: { myid: '1' },
    initialized: { myid: '1', 'version-2': {}, 'zookeeper_server.pid': '7' },
  })
  const says = /it holds data of ZooKeeper \(.*which this server cannot read.*zw copy/
  for (const name of Object.keys(foreign)) {
    const dataDir = join(directory, name)
    t.throws(() => config(['--data-dir', dataDir]), { name: 'OptionError', message: says }, name)
    const file = join(directory, `${name}.cfg`)
    writeFileSync(file, `dataDir=${join(directory, 'new')}\ndataLogDir=${dataDir}\n`)
    t.throws(() => config(['--config', file]), { message: new RegExp(`${file}:2: ${says.source}`) })
  }
  for (const name of ['new', 'initialized']) {
    const dataDir = join(directory, name)
    t.same(config(['--data-dir', dataDir]).warnings, [])
    t.equal(config(['--data-dir', dataDir, '--dataLogDir', dataDir]).dataDir, dataDir)
  }
})

t.test('data of other programs is refused too; unknown files are ignored', async (t) => {
  const meta = '0a1b2c3d {"formatVersion":1}\n'
  const directory = t.testdir({
    broker: { 'broker.json': '{}' },
    kafka: { 'meta.properties': 'version=0' },
    etcd: { member: { wal: {} } },
    ours: { meta, 'version-2': { 'log.1': '' } },
    notes: { 'zoo.cfg': '', 'server.log': '', 'lost+found': {}, meta: {} },
  })
  const at = (name: string) => config(['--data-dir', join(directory, name)])
  t.throws(() => at('broker'), /mimicqd, a Mimic Queue broker \(broker.json\): give this server/)
  t.throws(() => at('kafka'), /data of Kafka \(meta.properties\)/)
  t.throws(() => at('etcd'), /data of etcd \(member.wal\)/)
  t.same(at('ours').warnings, [], 'files beside our own data do not matter')
  t.same(at('notes').warnings, [])
  const { warnings } = config([
    ...['--data-dir', join(directory, 'ours')],
    ...['--dataLogDir', join(directory, 'ours', 'version-2')],
  ])
  t.match(warnings, [/dataLogDir.*has no effect/], 'nor does the old log once ours exists')
})

t.test('values without effect are accepted without a warning', async (t) => {
  const values = ['reconfigEnabled=FALSE', 'sslQuorum=false', 'peerType=participant', 'weight.2=1']
  const flags = values.map((value) => `--${value}`)
  t.same(config(['--data-dir=/d', ...flags]).warnings, [])
})

t.test('every key of the ZooKeeper manual is known', async (t) => {
  const keys = `clientPort secureClientPort observerMasterPort dataDir tickTime dataLogDir
    globalOutstandingLimit preAllocSize snapCount commitLogCount snapSizeLimitInKb txnLogSizeLimitInKb
    maxCnxns maxClientCnxns clientPortAddress minSessionTimeout maxSessionTimeout
    fsync.warningthresholdms maxResponseCacheSize maxGetChildrenResponseCacheSize
    autopurge.snapRetainCount autopurge.purgeInterval syncEnabled extendedTypesEnabled
    emulate353TTLNodes watchManagerName watcherCleanThreadsNum watcherCleanThreshold
    watcherCleanIntervalInSeconds maxInProcessingDeadWatchers bitHashCacheSize
    fastleader.minNotificationInterval fastleader.maxNotificationInterval connectionMaxTokens
    connectionTokenFillTime connectionTokenFillCount connectionFreezeTime connectionDropIncrease
    connectionDropDecrease connectionDecreaseRatio connection_throttle_weight_enabled
    connection_throttle_global_session_weight connection_throttle_local_session_weight
    connection_throttle_renew_session_weight clientPortListenBacklog serverCnxnFactory flushDelay
    maxWriteQueuePollTime maxBatchSize requestThrottleLimit requestThrottleStallTime
    requestThrottleDropStale requestStaleLatencyCheck requestStaleConnectionCheck
    request_throttler.shutdownTimeout advancedFlowControlEnabled netty.advancedFlowControl.enabled
    enforceQuota learner.closeSocketAsync leader.closeSocketAsync learner.asyncSending
    forward_learner_requests_to_commit_processor_disabled serializeLastProcessedZxid.enabled
    snapshot.trust.empty audit.enable audit.impl.class largeRequestMaxBytes largeRequestThreshold
    outstandingHandshake.limit netty.server.outstandingHandshakeLimit throttledOpWaitTime
    electionAlg maxTimeToWaitForEpoch initLimit connectToLearnerMasterLimit leaderServes server.1
    syncLimit group.1 weight.1 cnxTimeout quorumCnxnTimeoutMs standaloneEnabled reconfigEnabled
    4lw.commands.whitelist tcpKeepAlive electionPortBindRetry observer.reconnectDelayMs
    observer.election.DelayMs localSessionsEnabled localSessionsUpgradingEnabled
    quorumListenOnAllIPs peerType dynamicConfigFile DigestAuthenticationProvider.enabled
    DigestAuthenticationProvider.superDigest DigestAuthenticationProvider.digestAlg
    X509AuthenticationProvider.superUser IPAuthenticationProvider.usexforwardedfor superUser
    ssl.keyStore.location ssl.quorum.keyStore.location sslQuorum portUnification
    client.portUnification authProvider.1 kerberos.removeHostFromPrincipal
    kerberos.canonicalizeHostNames multiAddress.enabled fips-mode allowSaslFailedClients
    sessionRequireClientSASLAuth enforce.auth.enabled enforce.auth.schemes ensembleAuthName
    quorum.auth.enableSasl quorum.cnxn.threads.size readonlymode.enabled forceSync jute.maxbuffer
    jute.maxbuffer.extrasize skipACL nio.numSelectorThreads nio.numWorkerThreads
    commitProcessor.numWorkerThreads commitProcessor.maxReadBatchSize znode.container.checkIntervalMs
    znode.container.maxPerMinute znode.container.maxNeverUsedIntervalMs nio.sessionlessCnxnTimeout
    nio.directBufferBytes digest.enabled snapshot.compression.method
    leader.snapPingIntervalInSeconds leader.maxConcurrentSnapSyncs maxConcurrentSnapSyncs
    maxConcurrentDiffSyncs metricsProvider.className metricsProvider.httpPort admin.enableServer
    admin.serverPort jvm.pause.monitor db.autoCreate closeSessionTxn.enabled sasl.serverconfig
    client.certReload clientTcpKeepAlive enableEagerACLCheck admin.restore.enabled requireClientAuthScheme
    kerberos.removeRealmFromPrincipal leader.maxTimeToWaitForEpoch follower.skipLearnerRequestToNextProcessor
    messageTracker.Enabled messageTracker.BufferSize pathStats.enabled oraclePath controllerPort
    connection_throttle_tokens request_throttle_max_requests throttled_op_wait_time jaasLoginRenew
    datadir.autocreate db.autocreate forceSnapshotSync snapshotSizeFactor intBufferStartingSizeBytes
    leaderConnectDelayDuringRetryMs letAnySaslUserDoX security.auth_to_local server.principal server.realm
    SASLAuthenticationProvider.superPassword leader.nodelay follower.nodelay observerMaster.sizeLimit
    quorum.auth.kerberos.servicePrincipal quorum.auth.learnerRequireSasl configBackupDir`
  for (const key of keys.split(/\s+/)) {
    let said = ''
    try {
      config([`--${key}=-`])
    } catch (error) {
      said = String(error)
    }
    t.notMatch(said, /no such option/, key)
  }
})

t.test('a wrong line of zoo.cfg is named by file and line', async (t) => {
  const file = join(t.testdir(), 'zoo.cfg')
  writeFileSync(file, 'dataDir=/d\nserver.1=h:x:3888\n')
  t.throws(() => config(['--config', file]), {
    message: new RegExp(`server.1=h:x:3888 from ${file}:2`),
  })
})

t.test('the keys of TLS are those of ZooKeeper, with its defaults', async (t) => {
  const { clientListen, secureClientListen, clientTls } = config(tlsFlags)
  t.equal(clientListen, undefined, 'secureClientPort alone leaves no port for plaintext')
  t.same(secureClientListen, { host: undefined, port: 2281 })
  const store = { type: undefined, password: undefined, passwordFile: undefined }
  t.same(clientTls, {
    keyStore: {
      ...store,
      files: ['/k.pem'],
      quoted: 'ssl.keyStore.location=/k.pem from the command line',
    },
    trustStore: {
      ...store,
      files: ['/t.p12'],
      quoted: 'ssl.trustStore.location=/t.p12 from the command line',
    },
    minProtocol: 'TLSv1.2',
    maxProtocol: 'TLSv1.3',
    ciphers: undefined,
    isReloaded: false,
    clientAuth: 'need',
    verifiesClientHost: false,
    detectionMs: 5000,
  })
  const other = config([
    ...[...tlsFlags, '--clientPort=2181', '--zookeeper.ssl.clientAuth=NONE'],
    ...['--ssl.keyStore.passwordPath=/p', '--ssl.trustStore.password=x', '--ssl.protocol=TLSv1.3'],
    ...['--ssl.trustStore.type=pkcs12', '--client.certReload=true'],
    ...['--ssl.clientHostnameVerification=true', '--ssl.ciphersuites=TLS_AES_128_GCM_SHA256'],
  ])
  t.same(other.clientListen, { host: undefined, port: 2181 })
  t.match(other.clientTls, {
    clientAuth: 'none',
    isReloaded: true,
    verifiesClientHost: true,
    minProtocol: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256',
    keyStore: { passwordFile: '/p' },
    trustStore: { type: 'PKCS12', password: 'x' },
  })
})

t.test('a password file that is open to other users causes a warning', async (t) => {
  const file = join(t.testdir({ password: 'hunter2' }), 'password')
  const flags = [...tlsFlags, `--ssl.trustStore.passwordPath=${file}`]
  const warned = (mode: number) => {
    chmodSync(file, mode)
    return config(flags).warnings.filter((each) => each.includes('open to other users'))
  }
  t.match(warned(0o644), [/^ssl.trustStore.passwordPath=.* holds a password, and is open to/])
  for (const mode of [0o600, 0o640, 0o400]) t.same(warned(mode), [], mode.toString(8))
})

t.test('no message has the password of a store', async (t) => {
  const file = join(t.testdir({ 'zoo.cfg': 'ssl.keyStore.password="hunter2"\n' }), 'zoo.cfg')
  const { warnings } = config([...tlsFlags, '--config', file])
  t.match(warnings, [/ssl.keyStore.password from .* includes its quotation marks/])
  t.notMatch(warnings.join(), /hunter2/)
})

// --- SASL ----------------------------------------------------------------------------------------

const digestModule = 'org.apache.zookeeper.server.auth.DigestLoginModule'

/** Reads a zoo.cfg that names a file of users. */
function withUsers(
  t: Test,
  { jaas, lines = [], mode = 0o600 }: { jaas: string; lines?: readonly string[]; mode?: number },
): DaemonConfig {
  const dataDir = t.testdir({ 'jaas.conf': jaas })
  chmodSync(join(dataDir, 'jaas.conf'), mode)
  const file = join(dataDir, 'zoo.cfg')
  const key = `java.security.auth.login.config=${join(dataDir, 'jaas.conf')}`
  writeFileSync(file, [`dataDir=${dataDir}/data`, key, ...lines, ''].join('\n'))
  return config(['--config', file])
}

const ann = `Server { ${digestModule} required user_ann="secret of ann"; };`

t.test('users of SASL come from the file that ZooKeeper reads them from', async (t) => {
  const read = withUsers(t, { jaas: ann })
  t.same([...(read.sasl?.users ?? [])], [['ann', 'secret of ann']])
  t.equal(read.sasl?.allowsFailed, false)
  t.equal(read.enforcedAuthSchemes, undefined)
  t.same(read.warnings, [])
})

t.test("Java's flag names the file of users too", async (t) => {
  const dataDir = t.testdir({ 'jaas.conf': ann })
  chmodSync(join(dataDir, 'jaas.conf'), 0o600)
  const flag = `-Djava.security.auth.login.config=${join(dataDir, 'jaas.conf')}`
  const read = config(['--data-dir', join(dataDir, 'data')], { SERVER_JVMFLAGS: flag })
  t.equal(read.sasl?.users.size, 1)
  t.same(read.warnings, [])
})

t.test('the super users of SASL, and clients that fail', async (t) => {
  const lines = [
    'superUser=ann',
    'SASLAuthenticationProvider.superPassword=of super',
    'allowSaslFailedClients=true',
  ]
  const { sasl } = withUsers(t, { jaas: ann, lines })
  t.match(sasl, { superUser: 'ann', allowsFailed: true })
  t.equal(sasl?.users.get('super'), 'of super')
})

for (const line of [
  'sessionRequireClientSASLAuth=true',
  'requireClientAuthScheme=sasl',
  'enforce.auth.enabled=true\nenforce.auth.schemes=sasl',
]) {
  t.test(`SASL is required: ${line.replace('\n', ', ')}`, async (t) => {
    t.same(withUsers(t, { jaas: ann, lines: [line] }).enforcedAuthSchemes, ['sasl'])
  })
}

const warnings: readonly {
  name: string
  jaas: string
  lines?: readonly string[]
  mode?: number
  warns: RegExp
}[] = [
  { name: 'no section', jaas: 'Client { x required; };', warns: /has no section Server/ },
  { name: 'no users', jaas: `Server { ${digestModule} required; };`, warns: /no user_NAME/ },
  { name: 'a file that every user can read', jaas: ann, mode: 0o644, warns: /open to other users/ },
  {
    ...{ name: 'another section', jaas: ann, lines: ['sasl.serverconfig=Zoo'] },
    warns: /no section Zoo/,
  },
]
for (const { name, jaas, lines = [], mode = 0o600, warns } of warnings) {
  t.test(`a warning: ${name}`, async (t) => {
    const { warnings } = withUsers(t, { jaas, lines, mode })
    t.equal(warnings.length, 1)
    t.match(warnings[0], warns)
  })
}

for (const { name, jaas, lines = [], says } of [
  { name: 'a malformed file of users', jaas: 'Server {', says: /a section does not end/ },
  {
    name: 'Kerberos',
    jaas: 'Server { com.sun.security.auth.module.Krb5LoginModule required; };',
    says: /Krb5LoginModule is not supported/,
  },
  {
    ...{ name: 'a scheme that clients cannot be required to use', jaas: ann },
    ...{ lines: ['requireClientAuthScheme=kerberos'], says: /it must be sasl/ },
  },
]) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => withUsers(t, { jaas, lines }), { message: says })
  })
}

t.test('the audit log is off, and its file is one of the working directory', async (t) => {
  const flags = ['--data-dir', t.testdir()]
  t.equal(config(flags).auditEnabled, false)
  const read = config([...flags, '--audit.enable=true', '--audit-file=audit.log'])
  t.equal(read.auditEnabled, true)
  t.equal(read.auditFile, resolve('audit.log'))
})
