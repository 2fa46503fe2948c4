import t from 'tap'
import {
  catchUpOf,
  clientAddressOf,
  obstacleToAdding,
  obstacleToRemoving,
  obstacleToVoters,
  parseEnsembleConfig,
  parseServerLine,
  remarkOnVoters,
  type Seen,
} from '../../../src/cli/commands/ensemble-plan.ts'
import type { ServerRole } from '../../../src/cli/four-letter-word.ts'
import type { QuorumServer } from '../../../src/protocol/zk/quorum-server.ts'

const line = (id: number, role = 'participant') =>
  `server.${id}=h${id}:2888:3888:${role};0.0.0.0:2181`

function server(text: string): QuorumServer {
  const read = parseServerLine(text)
  if (typeof read === 'string') throw new Error(read)
  return read
}

function config(...lines: string[]) {
  const read = parseEnsembleConfig([...lines, 'version=10000000a'].join('\n'))
  if (read === undefined) throw new Error('It is no configuration')
  return read
}

const three = config(line(1), line(2), line(3), line(5, 'observer'))
const grouped = config(line(1), line(2), 'group.1=1:2', 'weight.1=1', 'weight.2=1')

t.test('a configuration is read with its version', async (t) => {
  t.equal(three.version, 0x1_0000_000a)
  t.same(three.hasGroups, false)
  t.same(grouped.hasGroups, true)
  t.equal(parseEnsembleConfig(''), undefined, 'a server that stands alone')
})

const lines = [
  { name: 'no line', text: 'h4:2888:3888', want: /must be server\.N=/ },
  { name: 'no port for clients', text: 'server.4=h4:2888:3888', want: /append ;2181/ },
  { name: 'no election port', text: 'server.4=h4:2888;2181', want: /must be host:peerPort/ },
]
for (const { name, text, want } of lines) {
  t.test(`a server that cannot be added: ${name}`, async (t) => {
    t.match(parseServerLine(text), want)
  })
}

t.test('where clients reach a server', async (t) => {
  t.same(clientAddressOf(server('server.4=h4:1:2;2181')), { host: 'h4', port: 2181 })
  t.same(clientAddressOf(server('server.4=h4:1:2;[::]:2181')), { host: 'h4', port: 2181 })
  t.same(clientAddressOf(server('server.4=h4:1:2;c:2181')), { host: 'c', port: 2181 })
})

const additions = [
  { name: 'a new server', joiner: line(4), want: undefined },
  { name: 'an observer that is to vote', joiner: line(5), want: undefined },
  { name: 'a voter that votes', joiner: line(1), want: undefined },
  { name: 'a voter as an observer', joiner: line(1, 'observer'), want: /zw ensemble remove 1/ },
  { name: 'an id that is taken', joiner: 'server.2=x:1:2;3', want: /another server 2: .*h2:2888/ },
  { name: 'an address that is taken', joiner: 'server.4=H2:2888:9;8', want: /server 2 has one of/ },
  { name: 'groups', joiner: line(4), to: grouped, want: /reconfig -members/ },
]
for (const { name, joiner, to = three, want } of additions) {
  t.test(`obstacleToAdding: ${name}`, async (t) => {
    const found = obstacleToAdding(server(joiner), to)
    if (want === undefined) t.equal(found, undefined)
    else t.match(found, want)
  })
}

const removals = [
  { name: 'a voter of three', id: 2, want: undefined },
  { name: 'an observer', id: 5, want: undefined },
  { name: 'a server that is not there', id: 7, want: /no server 7; it has 1, 2, 3, 5/ },
  {
    name: 'the only voter',
    id: 1,
    from: config(line(1), line(2, 'observer')),
    want: /Add another/,
  },
  { name: 'groups', id: 1, from: grouped, want: /reconfig -members/ },
]
for (const { name, id, from = three, want } of removals) {
  t.test(`obstacleToRemoving: ${name}`, async (t) => {
    const found = obstacleToRemoving(id, from)
    if (want === undefined) t.equal(found, undefined)
    else t.match(found, want)
  })
}

function seen(...roles: (ServerRole | 'unknown')[]): readonly Seen[] {
  return roles.map((role, i) => ({
    server: server(line(i + 1)),
    health: role === 'unknown' ? undefined : { role, zxid: '0x1' },
  }))
}

const voters = [
  { name: 'all work', of: seen('leader', 'follower', 'observer'), want: undefined },
  { name: 'a majority works', of: seen('leader', 'follower', 'lost'), want: undefined },
  {
    name: 'too few work: which, and what to do',
    of: seen('leader', 'follower', 'lost', 'looking'),
    want: /of 4 voters, 3 have to work, and server 3 at h3:2181 does not answer; server 4 .* is looking for a leader. Bring them/,
  },
  { name: 'what cannot be asked is not doubted', of: seen('leader', 'unknown'), want: undefined },
]
for (const { name, of, want } of voters) {
  t.test(`obstacleToVoters: ${name}`, async (t) => {
    const found = obstacleToVoters(of)
    if (want === undefined) t.equal(found, undefined)
    else t.match(found, want)
  })
}

t.test('what a change leaves no room for is said', async (t) => {
  t.equal(remarkOnVoters(seen('leader', 'follower', 'follower')), undefined)
  t.match(remarkOnVoters(seen('leader', 'follower', 'lost')), /None of the 3 voters may fail/)
  const four = seen('leader', 'follower', 'follower', 'follower')
  t.match(remarkOnVoters(four), /4 voters survive the loss of 1, as 3 do/)
  t.equal(remarkOnVoters(seen('leader')), undefined)
})

const looks = [
  { name: 'it has what the leader had', role: 'observer', zxid: '0x100000005', want: 'done' },
  { name: 'it has more', role: 'follower', zxid: '0x100000007', want: 'done' },
  { name: 'it lags', role: 'observer', zxid: '0x100000003', want: /2 transactions behind/ },
  { name: 'it is an epoch behind', role: 'observer', zxid: '0x9', want: /an earlier epoch/ },
  { name: 'it is not there', role: 'lost', zxid: undefined, want: /at h4:2181 does not answer/ },
  { name: 'it finds no leader', role: 'looking', zxid: '0x1', want: /is looking for a leader/ },
  { name: 'it is alone', role: 'standalone', zxid: '0x1', want: /stands alone/ },
] as const
for (const { name, role, zxid, want } of looks) {
  t.test(`catchUpOf: ${name}`, async (t) => {
    const state = catchUpOf(server(line(4)), { role, zxid }, '0x100000005')
    if (want === 'done') t.same(state, { type: 'done' })
    else t.match(state, { type: 'waiting', why: want })
  })
}

t.test('without a leader nothing has caught up', async (t) => {
  const state = catchUpOf(server(line(4)), { role: 'observer', zxid: '0x1' }, undefined)
  t.match(state, { type: 'waiting', why: 'no server leads at the moment' })
})
