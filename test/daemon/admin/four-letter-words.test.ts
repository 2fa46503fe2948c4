import t, { type Test } from 'tap'
import { answerWord, type ServerStatus } from '../../../src/daemon/admin/four-letter-words.ts'
import { Metrics } from '../../../src/daemon/admin/metrics.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

const leading = { type: 'leading', epoch: 1 } as const
const following = { type: 'following', epoch: 1, leader: 2 as ServerId } as const
const looking = { type: 'looking' } as const

function status(given: Partial<ServerStatus> = {}): ServerStatus {
  return {
    role: following,
    standalone: false,
    version: '1.2.3',
    builtOn: '2026-11-23',
    lastApplied: 0x1_0000_0f65 as Zxid,
    nodeCount: 43,
    ephemeralCount: 2,
    dataBytes: 900,
    watchCount: 5,
    sessionCount: 3,
    connectionCount: 2,
    outstandingCount: 1,
    openDescriptorCount: 30,
    descriptorCountMax: 1024,
    uptimeMs: 1234.5,
    serverCount: 3,
    followers: undefined,
    metrics: new Metrics(),
    ...given,
  }
}

function ask(word: string, given: Partial<ServerStatus> = {}): string | undefined {
  return answerWord(word, () => status(given))
}

/** mntr as a map, every line checked for its form. */
function mntr(t: Test, given: Partial<ServerStatus> = {}): Map<string, string> {
  const lines = (ask('mntr', given) ?? '').split('\n')
  t.equal(lines.pop(), '', 'the last line ends like the others')
  for (const line of lines) t.match(line, /^zk_[a-z_]+\t[^\t]+$/)
  return new Map(lines.map((line) => line.split('\t') as [string, string]))
}

t.test('ruok answers whatever the role, without a line feed, and asks for no status', async (t) => {
  const refuse = (): ServerStatus => {
    throw new Error('not needed')
  }
  t.equal(answerWord('ruok', refuse), 'imok')
  for (const word of ['envi', 'RUOK', 'ruo', '']) t.equal(answerWord(word, refuse), undefined)
})

t.test('isro', async (t) => {
  t.equal(ask('isro'), 'rw')
  t.equal(ask('isro', { role: looking }), 'null')
})

t.test('srvr in the shape that tools parse', async (t) => {
  const metrics = new Metrics()
  metrics.packetsReceived = 1234
  metrics.packetsSent = 1233
  for (const latencyMs of [0.2, 0.9, 1.2, 12]) metrics.answered(latencyMs)
  t.equal(
    ask('srvr', { metrics }),
    `Zookeeper version: 3.9.5-zooweeper-1.2.3, built on 2026-11-23
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
  t.equal(last(ask('srvr', { role: leading, metrics })), 'Proposal sizes last/min/max: -1/-1/-1')
  for (const bytes of [36, 120, 48]) metrics.proposalBytes.observe(bytes)
  t.equal(last(ask('srvr', { role: leading, metrics })), 'Proposal sizes last/min/max: 48/36/120')
})

t.test('modes', async (t) => {
  const mode = (given: Partial<ServerStatus>) => /^Mode: (.*)$/m.exec(ask('srvr', given) ?? '')?.[1]
  t.equal(mode({ role: leading }), 'leader')
  t.equal(mode({ role: following }), 'follower')
  t.equal(mode({ role: leading, standalone: true }), 'standalone')
  for (const word of ['srvr', 'mntr']) {
    t.equal(
      ask(word, { role: looking }),
      'This ZooKeeper instance is not currently serving requests\n',
    )
  }
})

t.test('mntr of a follower', async (t) => {
  const rows = mntr(t)
  const want = {
    zk_version: '3.9.5-zooweeper-1.2.3, built on 2026-11-23',
    zk_server_state: 'follower',
    zk_peer_state: 'following - broadcast',
    zk_avg_latency: '0.0',
    zk_znode_count: '43',
    zk_ephemerals_count: '2',
    zk_watch_count: '5',
    zk_approximate_data_size: '900',
    zk_num_alive_connections: '2',
    zk_outstanding_requests: '1',
    zk_open_file_descriptor_count: '30',
    zk_max_file_descriptor_count: '1024',
    zk_global_sessions: '3',
    zk_quorum_size: '3',
    zk_uptime: '1235',
  }
  for (const [key, value] of Object.entries(want)) t.equal(rows.get(key), value, key)
  t.equal(rows.has('zk_followers'), false)
})

t.test('mntr of a leader has its followers and proposals', async (t) => {
  const rows = mntr(t, { role: leading, followers: { connected: 2, synced: 1 } })
  t.equal(rows.get('zk_peer_state'), 'leading - broadcast')
  t.equal(rows.get('zk_learners'), '2')
  t.equal(rows.get('zk_followers'), '2')
  t.equal(rows.get('zk_synced_followers'), '1')
  t.equal(rows.get('zk_last_proposal_size'), '-1')
})
