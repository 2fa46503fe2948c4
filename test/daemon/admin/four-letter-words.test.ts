import t from 'tap'
import { answerWord } from '../../../src/daemon/admin/four-letter-words.ts'
import type { ServerStatus, ServerView } from '../../../src/daemon/admin/server-view.ts'
import { fourLetterWords } from '../../../src/daemon/four-letter-word.ts'
import { Metrics } from '../../../src/daemon/metrics.ts'
import { ConnectionStats } from '../../../src/daemon/session/connection-stats.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { connection, session, status, view } from './view.ts'

const all = new Set<string>(fourLetterWords)

function ask(word: string, given: Partial<ServerView> = {}): string | undefined {
  return answerWord(word, all, view(given))
}

function askOf(word: string, given: Partial<ServerStatus>): string | undefined {
  return ask(word, { status: () => status(given) })
}

t.test('the words are those of the manual', async (t) => {
  const words =
    'conf cons crst dirs dump envi gtmk hash isro mntr ruok srst srvr stat wchc wchp wchs'
  t.same([...fourLetterWords].sort(), words.split(' '))
})

t.test(
  'ruok is answered in every state, without a line feed and without reading the state',
  async (t) => {
    const status = (): ServerStatus => {
      throw new Error('not needed')
    }
    t.equal(ask('ruok', { status }), 'imok')
    for (const word of ['RUOK', 'ruo', '', 'kill', 'toSt'])
      t.equal(ask(word, { status }), undefined)
  },
)

t.test('a word that is not in the whitelist is refused by name, and not executed', async (t) => {
  const refused = (word: string) => `${word} is not executed because it is not in the whitelist.\n`
  for (const word of fourLetterWords) {
    t.equal(answerWord(word, new Set(), view()), refused(word), word)
  }
  t.equal(answerWord('ruok', new Set(['ruok']), view()), 'imok')
  t.equal(
    answerWord('none', new Set(['none']), view()),
    undefined,
    'a whitelist does not create words',
  )
})

t.test('while no client is served, four words are still answered', async (t) => {
  const lost = { status: () => status({ mode: undefined }), environment: () => [] }
  const notServing = 'This ZooKeeper instance is not currently serving requests\n'
  const always = { ruok: 'imok', isro: 'null', envi: 'Environment:\n', gtmk: '0' }
  for (const word of fourLetterWords) {
    const want = word in always ? always[word as keyof typeof always] : notServing
    t.equal(ask(word, lost), want, word)
  }
})

t.test('isro', async (t) => {
  t.equal(askOf('isro', { mode: 'follower' }), 'rw')
  t.equal(askOf('isro', { mode: 'standalone' }), 'rw')
  t.equal(askOf('isro', { mode: 'read-only' }), 'ro')
})

t.test('srvr in the shape that tools parse', async (t) => {
  const metrics = new Metrics()
  metrics.packetsReceived = 1234
  metrics.packetsSent = 1233
  for (const latencyMs of [0.2, 0.9]) metrics.answered(true, latencyMs)
  for (const latencyMs of [1.2, 12]) metrics.answered(false, latencyMs)
  t.equal(
    askOf('srvr', { metrics }),
    `Zookeeper version: 3.9.5-zooweeper-1.2.3, built on 2026-11-23 00:00 UTC
Latency min/avg/max: 0/3.5/12
Received: 1234
Sent: 1233
Connections: 2
Outstanding: 1
Zxid: 0x100000f65
Mode: follower
Node count: 43
`,
  )
})

t.test('srvr of a leader ends with the proposal sizes', async (t) => {
  const metrics = new Metrics()
  const last = (text = '') => text.trimEnd().split('\n').at(-1)
  const leader = { mode: 'leader', metrics } as const
  t.equal(last(askOf('srvr', leader)), 'Proposal sizes last/min/max: -1/-1/-1')
  for (const bytes of [36, 120, 48]) metrics.proposalBytes.observe(bytes)
  t.equal(last(askOf('srvr', leader)), 'Proposal sizes last/min/max: 48/36/120')
})

t.test('modes', async (t) => {
  for (const mode of ['leader', 'follower', 'standalone', 'read-only'] as const) {
    t.match(askOf('srvr', { mode }), new RegExp(`^Mode: ${mode}$`, 'm'))
  }
  const [, second] = (askOf('srvr', { mode: 'read-only' }) ?? '').split('\n')
  t.equal(second, 'READ-ONLY mode; serving only read-only clients')
})

const busy = new ConnectionStats(1_700_000_000_000)
busy.received = 6
for (const [xid, op, latencyMs] of [
  [1, 'create', 3],
  [2, 'getData', 0],
  [-2, 'ping', 1],
] as const) {
  busy.replied(xid, 0x1_0000_0002 as Zxid)
  busy.answered(op, latencyMs, 5678.4)
}

const clients = [
  connection({ session: session(0x1_0000_0001), timeoutMs: 30_000, queuedCount: 2, stats: busy }),
  connection({ remoteAddress: '::1', remotePort: 40_001, congested: true, reading: false }),
  connection({ remoteAddress: '::ffff:10.0.0.7', remotePort: 40_002 }),
]

t.test('cons has a line for each connection, then an empty one', async (t) => {
  const { stats } = connection()
  stats.received = 1
  t.equal(
    ask('cons', { connections: () => clients }),
    ` /127.0.0.1:40000[1](queued=2,recved=6,sent=3,sid=0x100000001,lop=PING,est=1700000000000,\
to=30000,lcxid=0x2,lzxid=0x100000002,lresp=5678,llat=1,minlat=0,avglat=1,maxlat=3)
 /[::1]:40001[4](queued=0,recved=0,sent=0)
 /10.0.0.7:40002[1](queued=0,recved=0,sent=0)

`,
  )
})

t.test('a connection that was just welcomed has no last xid, and no last op', async (t) => {
  const fresh = connection({ session: session(5), timeoutMs: 4000, stats: new ConnectionStats(9) })
  t.match(
    ask('cons', { connections: () => [fresh] }),
    '(queued=0,recved=0,sent=0,sid=0x5,lop=NA,est=9,to=4000,lzxid=0xffffffffffffffff,lresp=0,\
llat=0,minlat=0,avglat=0,maxlat=0)',
  )
})

t.test('crst and srst reset their counters, and confirm it', async (t) => {
  let told = ''
  const given = {
    resetStats: () => {
      told += 'server '
    },
    resetConnectionStats: () => {
      told += 'connections '
    },
  }
  t.equal(ask('crst', given), 'Connection stats reset.\n')
  t.equal(ask('srst', given), 'Server stats reset.\n')
  t.equal(told, 'connections server ')
  busy.reset()
  t.same(busy, new ConnectionStats(1_700_000_000_000), 'everything except its start time')
})

t.test('stat is srvr with its clients', async (t) => {
  const lines = ask('stat', { connections: () => clients.slice(1) })?.split('\n') ?? []
  t.same(lines.slice(1, 5), [
    'Clients:',
    ' /[::1]:40001[4](queued=0,recved=0,sent=0)',
    ' /10.0.0.7:40002[1](queued=0,recved=0,sent=0)',
    '',
  ])
  t.equal([lines[0], ...lines.slice(5)].join('\n'), ask('srvr'))
})

t.test('dirs, envi and hash', async (t) => {
  t.equal(
    ask('dirs', { directorySizes: () => ({ dataBytes: 7, logBytes: 8 }) }),
    'datadir_size: 7\nlogdir_size: 8\n',
  )
  const environment = () => [['zookeeper.version', '3.9.5-x, built on y'] as const]
  t.equal(
    ask('envi', { environment }),
    'Environment:\nzookeeper.version=3.9.5-x, built on y\n',
    'kazoo reads the version from here',
  )
  t.equal(
    ask('hash', { digests: () => [[0x1_0000_0080 as Zxid, '0011223344556677']] }),
    '100000080: 0011223344556677\n',
  )
})

t.test('conf of a server in an ensemble ends with the membership', async (t) => {
  const configuration = () => [['clientPort', 2181] as const, ['dataDir', '/d'] as const]
  const alone = { configuration, membership: () => undefined }
  t.equal(ask('conf', alone), 'clientPort=2181\ndataDir=/d\n')
  const membership = () => 'server.1=h:1:2:participant\nversion=0'
  t.equal(
    ask('conf', { configuration, membership }),
    'clientPort=2181\ndataDir=/d\nmembership: \nserver.1=h:1:2:participant\nversion=0',
  )
})

const ephemerals = new Map([[session(0x11), ['/a', '/b/c']]])
const timeoutsMs = new Map([
  [session(0x12), 8000],
  [session(0x11), 4000],
])
const connectionsLater = {
  connections: () => [
    connection({ session: session(0x11), timeoutMs: 4000 }),
    connection({ session: session(0x12), timeoutMs: 8000 }),
    connection({ session: session(0x13), timeoutMs: 8000 }),
  ],
  nowMs: () => Date.UTC(2026, 10, 24, 2, 33, 38),
  tickTimeMs: () => 2000,
}
const connectionsDumped = `Connections dump:
Connections Sets (2)/(3):
1 expire at Tue Nov 24 02:33:44 UTC 2026:
\tip: /127.0.0.1:40000 sessionId: 0x11
2 expire at Tue Nov 24 02:33:48 UTC 2026:
\tip: /127.0.0.1:40000 sessionId: 0x12
\tip: /127.0.0.1:40000 sessionId: 0x13
`

t.test('dump on a leader knows when sessions expire', async (t) => {
  const expiry = [
    { atMs: Date.UTC(2026, 10, 1, 9, 0, 2), items: [session(0x12)] },
    { atMs: Date.UTC(2026, 10, 1, 9, 0, 4), items: [session(0x11), session(0x13)] },
  ]
  const sessions = () => ({ expiry, timeoutsMs, ephemerals })
  t.equal(
    ask('dump', { sessions, ...connectionsLater }),
    `SessionTracker dump:
Session Sets (2)/(3):
1 expire at Sun Nov 01 09:00:02 UTC 2026:
\t0x12
2 expire at Sun Nov 01 09:00:04 UTC 2026:
\t0x11
\t0x13
ephemeral nodes dump:
Sessions with Ephemerals (1):
0x11:
\t/a
\t/b/c
${connectionsDumped}`,
  )
})

t.test('dump on a follower knows their time-outs', async (t) => {
  const sessions = () => ({ expiry: undefined, timeoutsMs, ephemerals: new Map() })
  t.equal(
    ask('dump', { sessions, ...connectionsLater }),
    `SessionTracker dump:
Global Sessions(2):
0x11\t4000ms
0x12\t8000ms
ephemeral nodes dump:
Sessions with Ephemerals (0):
${connectionsDumped}`,
  )
})

t.test('wchs, wchc and wchp show the watches', async (t) => {
  const watches = () => [
    { path: '/a', sessions: [session(0x11), session(0x12)] },
    { path: '/b', sessions: [session(0x11)] },
  ]
  t.equal(ask('wchs', { watches }), '2 connections watching 2 paths\nTotal watches:3\n')
  t.equal(ask('wchp', { watches }), '/a\n\t0x11\n\t0x12\n/b\n\t0x11\n\n')
  t.equal(ask('wchc', { watches }), '0x11\n\t/a\n\t/b\n0x12\n\t/a\n\n')
  const none = { watches: () => [] }
  t.equal(ask('wchs', none), '0 connections watching 0 paths\nTotal watches:0\n')
  t.equal(ask('wchc', none), '\n')
})
