import t from 'tap'
import { limits } from '../../../src/limits.ts'
import { digestOf } from '../../../src/protocol/digest.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { openAcl, type ServerId } from '../../../src/protocol/records.ts'
import type {
  ReadOp,
  ReplyBody,
  Request,
  ServedReply,
  WatcherType,
} from '../../../src/protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'
import {
  create,
  exists,
  type FakeServer,
  get,
  list,
  ManualClock,
  ping,
  remove,
  serversOf,
  set,
  sync,
} from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { allow, auth, connected, createWith, PlainClient, refused } from '../plain-client.ts'

function alone(): { cluster: FakeCluster; server: FakeServer } {
  const cluster = new FakeCluster()
  const [server] = serversOf(cluster) as [FakeServer]
  return { cluster, server }
}

function pair(): { cluster: FakeCluster; one: FakeServer; two: FakeServer } {
  const cluster = new FakeCluster({ servers: 2 })
  const [one, two] = serversOf(cluster) as [FakeServer, FakeServer]
  return { cluster, one, two }
}

const getAcl = (path: string): Request => ({ type: 'getACL', path })
const count = (path: string): Request => ({ type: 'getAllChildrenNumber', path })
const ephemerals = (prefix: string): Request => ({ type: 'getEphemerals', prefix })
const multiRead = (...ops: readonly ReadOp[]): Request => ({ type: 'multiRead', ops })
const check = (path: string, watcherType: WatcherType): Request => ({
  type: 'checkWatches',
  path,
  watcherType,
})

/**
 * The permissions that a read needs, by the ACL of `/a`; the client has no identity but its
 * address.
 */
const permissions: readonly { request: Request; allowedBy: string }[] = [
  { request: get('/a'), allowedBy: 'r' },
  { request: exists('/a'), allowedBy: 'r' },
  { request: list('/a'), allowedBy: 'r' },
  { request: count('/a'), allowedBy: 'r' },
  { request: { type: 'getChildrenPage', path: '/a', from: 0 }, allowedBy: 'r' },
  { request: getAcl('/a'), allowedBy: 'ra' },
]
for (const { request, allowedBy } of permissions) {
  for (const letter of 'cdrwa') {
    const claim = allowedBy.includes(letter) ? 'is enough' : 'is not enough'
    t.test(`${letter} ${claim} for ${request.type}`, async (t) => {
      const { server } = alone()
      const client = connected(server)
      client.ask(createWith(allow(`anyone ${letter}`), '/a'))
      const want = allowedBy.includes(letter) ? request.type : `${request.type} NOAUTH`
      client.ask(request)
      t.same(client.take(), ['create', want])
    })
  }
}

t.test(
  'a client whose identity the ACL names may read, and the super user always may',
  async (t) => {
    const superDigest = digestOf(Buffer.from('super:secret'))
    const authentication = { skipAcl: false, superDigest, requiredSchemes: undefined }
    const [server] = serversOf(new FakeCluster(), undefined, { authentication }) as [FakeServer]
    connected(server).ask(createWith(allow('ann:1 r'), '/a', 'x'))
    const reads = [get('/a'), exists('/a'), list('/a'), count('/a'), getAcl('/a')]
    for (const who of ['ann:1', 'super:secret']) {
      const client = connected(server, who)
      client.take()
      client.ask(...reads)
      t.same(
        client.take(),
        reads.map(({ type }) => type),
        who,
      )
    }
    for (const who of ['ann:2', 'bob:1', 'super:guess']) {
      const client = connected(server, who)
      client.take()
      client.ask(...reads)
      t.same(
        client.take(),
        reads.map(({ type }) => `${type} NOAUTH`),
        who,
      )
    }
  },
)

t.test('where ACLs are skipped every client may read', async (t) => {
  const authentication = { skipAcl: true, superDigest: undefined, requiredSchemes: undefined }
  const [server] = serversOf(new FakeCluster(), undefined, { authentication }) as [FakeServer]
  const client = connected(server)
  client.ask(createWith(allow('ann:1 r'), '/a'), get('/a'), set('/a', 'x'))
  t.same(client.take(), ['create', 'getData', 'setData'])
})

t.test('getACL shows digests to clients that may change them', async (t) => {
  const { server } = alone()
  const acl = allow('ann:1 ra', 'bob:2 r', 'anyone c')
  connected(server).ask(createWith(acl, '/a'))
  t.match(connected(server, 'ann:1').answer(getAcl('/a')), { type: 'getACL', acl })
  const masked = acl.map((entry) => ({ ...entry, id: entry.id.replace(/:.*/, ':x') }))
  t.match(connected(server, 'bob:2').answer(getAcl('/a')), { type: 'getACL', acl: masked })
  t.match(connected(server).answer(getAcl('/')), { acl: openAcl, stat: { numChildren: 2 } })
  t.same(connected(server).ask(getAcl('/b')).take(), ['getACL NONODE'])
})

t.test('a failed read sets no watch, except exists on a missing znode', async (t) => {
  const { server } = alone()
  const client = connected(server)
  client.ask(createWith(allow('anyone cdw'), '/secret'), createWith(openAcl, '/open'))
  client.take()
  client.ask(get('/secret', true), exists('/secret', true), list('/secret', true))
  client.ask(get('/none', true), list('/none', true), exists('/\0', true))
  t.same(client.take(), [
    'getData NOAUTH',
    'exists NOAUTH',
    'getChildren NOAUTH',
    'getData NONODE',
    'getChildren NONODE',
    'exists BADARGUMENTS',
  ])
  t.equal(server.processors.watches.watchCount, 0)
  client.ask(exists('/none', true))
  t.same(client.take(), ['exists NONODE'])
  t.equal(server.processors.watches.watchCount, 1)
})

t.test('a malformed path is a missing znode, and the empty path is the root', async (t) => {
  const { server } = alone()
  const client = connected(server)
  for (const path of ['a', '/a/', '//', '/.', '/..', '/\u0001', ' ', '/\ud800']) {
    for (const request of [get(path), exists(path), list(path), count(path), getAcl(path)]) {
      t.same(client.ask(request).take(), [`${request.type} NONODE`], JSON.stringify(path))
    }
  }
  const whole = [get(''), exists(''), list(''), count(''), getAcl('')]
  t.same(
    client.ask(...whole).take(),
    whole.map(({ type }) => type),
  )
})

t.test('getAllChildrenNumber counts all descendants', async (t) => {
  const { server } = alone()
  const client = connected(server)
  for (const path of ['/a', '/a/b', '/a/b/c', '/ab', '/a-', '/a/d']) client.ask(create(path))
  for (const [path, want] of [
    ['/a', 3],
    ['/a/b', 1],
    ['/a/d', 0],
    ['/ab', 0],
    ['/', server.tree.nodeCount - 1],
    ['', server.tree.nodeCount - 1],
  ] as const) {
    t.same(client.answer(count(path)), { type: 'getAllChildrenNumber', count: want }, path)
  }
})

t.test('getEphemerals lists those of the session, by a prefix of their text', async (t) => {
  const { server } = alone()
  const client = connected(server)
  const other = connected(server)
  client.ask(create('/a'), create('/a/e1', '', 'ephemeral'), create('/ae', '', 'ephemeral'))
  other.ask(create('/a/e2', '', 'ephemeral'))
  for (const [prefix, want] of [
    ['', ['/a/e1', '/ae']],
    ['/', ['/a/e1', '/ae']],
    ['/a', ['/a/e1', '/ae']],
    ['/a/', ['/a/e1']],
    ['/b', []],
    ['a', []],
  ] as const) {
    const body = client.answer(ephemerals(prefix))
    t.same(body.type === 'getEphemerals' && [...body.paths].sort(), want, prefix)
  }
  t.same(other.answer(ephemerals('')), { type: 'getEphemerals', paths: ['/a/e2'] })
  t.same(connected(server).answer(ephemerals('')), { type: 'getEphemerals', paths: [] })
})

t.test('whoAmI names every identity, without its secret', async (t) => {
  const { server } = alone()
  const client = connected(server, 'ann:1', 'bob:2')
  client.ask(auth('10.0.0.1', 'ip'))
  t.same(client.answer({ type: 'whoAmI' }), {
    type: 'whoAmI',
    identities: [
      { scheme: 'ip', id: '127.0.0.1' },
      { scheme: 'digest', id: 'ann' },
      { scheme: 'digest', id: 'bob' },
    ],
  })
})

t.test('checkWatches finds existing watches and changes nothing', async (t) => {
  const { server } = alone()
  const client = connected(server)
  const kinds = ['children', 'data', 'any', 'persistent', 'persistentRecursive'] as const
  const found = (): boolean[] =>
    kinds.map((kind) => client.answer(check('/', kind)).type === 'checkWatches')
  t.same(found(), [false, false, false, false, false])
  client.ask(get('/', true))
  t.same(found(), [false, true, true, false, false])
  client.ask(list('/', true))
  t.same(found(), [true, true, true, false, false])
  client.ask({ type: 'addWatch', path: '/', mode: 'persistentRecursive' })
  t.same(found(), [true, true, true, false, true])
  t.same(connected(server).ask(check('/', 'any')).take(), ['checkWatches NOWATCHER'])
  t.equal(server.processors.watches.watchCount, 3)
})

// --- auth ----------------------------------------------------------------------------------------

t.test('auth is answered in its turn, with zxid 0, and counts at once', async (t) => {
  const { cluster, server } = alone()
  const client = connected(server)
  client.ask(createWith(allow('ann:1 rw'), '/a'))
  client.take()
  cluster.auto = false
  client.ask(set('/a', '1'), auth('ann:1'), set('/a', '2'), get('/a'))
  t.same(client.take(), [])
  cluster.commit()
  t.same(client.take(), ['setData NOAUTH', 'auth', 'setData', 'getData'])
  t.equal(client.replies[2]?.zxid, zxidZero)
})

t.test('an unknown scheme is refused in its turn, and that is the end', async (t) => {
  const { cluster, server } = alone()
  const client = connected(server)
  cluster.auto = false
  client.ask(create('/a'), auth('token', 'sasl'), ping)
  t.same(client.take(), [])
  cluster.commit()
  t.same(client.take(), ['create', 'auth AUTHFAILED', 'closed'])
  t.equal(client.replies.at(-1)?.zxid, zxidZero)
  t.equal(server.metrics.authFailures, 1)
})

t.test('a write after a refusal is applied, and not answered', async (t) => {
  const { cluster, server } = alone()
  const client = connected(server)
  cluster.auto = false
  client.ask(create('/a'), auth('token', 'sasl'), create('/b'))
  cluster.commit()
  t.same(client.take(), ['create', 'auth AUTHFAILED', 'closed'])
  t.not(server.tree.get('/b'), undefined)
})

t.test(
  'identities beyond the limit of a connection are refused, and the connection continues',
  async (t) => {
    const { server } = alone()
    const client = connected(server)
    client.ask(auth(`${'x'.repeat(limits.identitiesLengthMax)}:1`), { type: 'whoAmI' })
    t.same(client.take(), ['auth THROTTLEDOP', 'whoAmI'])
    t.equal(client.identities.length, 1)
  },
)

t.test('where authentication is enforced, nothing is answered before it', async (t) => {
  const required = { skipAcl: false, superDigest: undefined, requiredSchemes: ['digest'] }
  const authentication = { authentication: required }
  const [server] = serversOf(new FakeCluster(), undefined, authentication) as [FakeServer]
  for (const request of [ping, get('/'), create('/a'), sync, { type: 'whoAmI' } as const]) {
    const client = connected(server)
    client.ask(request)
    const refusal = `${request.type} SESSIONCLOSEDREQUIRESASLAUTH`
    t.same(client.take(), [refusal, 'closed'])
  }
  t.equal(server.tree.get('/a'), undefined)
  const client = connected(server)
  client.ask(auth('127.0.0.1', 'ip'), auth('ann:1'), ping, create('/a'))
  t.same(client.take(), ['auth', 'auth', 'ping', 'create'])
})

t.test('a request that could not be decoded is answered with its error, in its turn', async (t) => {
  const { cluster, server } = alone()
  const client = connected(server)
  cluster.auto = false
  client.ask(create('/a'), refused(errorCodes.MARSHALLINGERROR), ping)
  t.same(client.take(), [])
  cluster.commit()
  t.same(client.take(), ['create', 'refused MARSHALLINGERROR', 'ping'])
})

// --- multiRead -----------------------------------------------------------------------------------

t.test('the parts of a multiRead succeed and fail independently', async (t) => {
  const { server } = alone()
  const client = connected(server)
  client.ask(create('/a', 'x'), create('/a/b'), createWith(allow('ann:1 r'), '/secret'))
  const body = client.answer(
    multiRead(
      { type: 'getData', path: '/a' },
      { type: 'getData', path: '/none' },
      { type: 'getChildren', path: '/a' },
      { type: 'getChildren', path: '/secret' },
    ),
  )
  t.match(body, {
    type: 'multiRead',
    results: [
      { type: 'getData', data: Buffer.from('x'), stat: { dataLength: 1 } },
      { type: 'error', code: errorCodes.NONODE },
      { type: 'getChildren', children: ['b'] },
      { type: 'error', code: errorCodes.NOAUTH },
    ],
  })
  t.same(client.answer(multiRead()), { type: 'multiRead', results: [] })
})

t.test('a multiRead answers each part as the read by itself would be', async (t) => {
  const seed = Date.now() % 1_000_000
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const { server } = alone()
  const writer = connected(server)
  const paths = ['/', '', '/a', '/a/b', '/a/c', '/d', '/none', '/a/none', 'x', '/a/', '/\0']
  writer.ask(createWith(openAcl, '/a'), createWith(allow('ann:1 r'), '/a/b', 'b'))
  writer.ask(createWith(allow('bob:2 r'), '/a/c'), createWith(allow('anyone w'), '/d'))
  const clients = [connected(server), connected(server, 'ann:1'), connected(server, 'bob:2')]
  for (let i = 0; i < 300; i++) {
    const client = random.pick(clients)
    const ops = Array.from(
      { length: random.below(8) },
      (): ReadOp => ({
        type: random.pick(['getData', 'getChildren'] as const),
        path: random.pick(paths),
      }),
    )
    const alone = ops.map(({ type, path }) => client.answer({ type, path, watch: false }))
    t.same(client.answer(multiRead(...ops)), { type: 'multiRead', results: alone })
  }
})

t.test('the parts of a multiRead beyond the size of an answer are refused', async (t) => {
  const { server } = alone()
  const client = connected(server)
  client.ask(create('/a', 'x'.repeat(1_000_000)))
  const parts = Math.floor(limits.multiReadBytesMax / 1_000_068) + 1
  const ops = Array.from({ length: parts + 2 }, () => ({ type: 'getData', path: '/a' }) as const)
  const body = client.answer(multiRead(...ops)) as Extract<ReplyBody, { type: 'multiRead' }>
  const types = body.results.map(({ type }) => type)
  t.same(types, [...Array.from({ length: parts }, () => 'getData'), 'error', 'error'])
  t.match(body.results.at(-1), { code: errorCodes.THROTTLEDOP })
})

/** By the bytes of a letter, so that the list nearly fills an answer. */
for (const { count, letter, bytesEach } of [
  { count: 70, letter: 'x', bytesEach: 1 },
  { count: 70, letter: '日', bytesEach: 3 },
  { count: 1100, letter: 'x', bytesEach: 1 },
]) {
  t.test(`a list of ${count} long names ${letter}… is refused only beyond a frame`, async (t) => {
    const { server } = alone()
    const client = connected(server)
    const listBytes = limits.answerBytesMax - 4096
    const length = Math.floor(listBytes / count / bytesEach) - 10
    client.ask(create('/many'), create('/many/b'))
    for (let i = 0; i < count; i++) {
      client.ask(create(`/many/${String(i).padStart(4, '0')}${letter.repeat(length)}`))
    }
    const lists = [list('/many'), multiRead({ type: 'getChildren', path: '/many' })]
    for (const request of lists) {
      const body = client.answer(request)
      const part = body.type === 'multiRead' ? body.results[0] : body
      t.match(part, { stat: { numChildren: count + 1 } }, request.type)
    }
    client.ask(create(`/many/${'y'.repeat(100_000)}`))
    const refused = { type: 'error', code: errorCodes.MARSHALLINGERROR }
    t.same(client.answer(list('/many')), refused)
    t.same(client.answer(lists[1] ?? ping), { type: 'multiRead', results: [refused] })
    t.match(client.answer(exists('/many')), { stat: { numChildren: count + 2 } })
  })
}

for (const count of [0, 1000, 2000]) {
  t.test(`the pages of a parent of ${count} children hold all of them`, async (t) => {
    const { server } = alone()
    const client = connected(server)
    const page = (from: number): Request => ({ type: 'getChildrenPage', path: '/many', from })
    t.match(client.answer(page(0)), { code: errorCodes.NONODE })
    client.ask(create('/many'))
    const wanted = Array.from({ length: count }, (_, i) => `${i}`.padStart(300, '0'))
    for (const name of wanted) client.ask(create(`/many/${name}`))
    const found: string[] = []
    let pages = 0
    for (let from = 0; pages === 0 || from > 0; pages++) {
      const body = client.answer(page(from))
      if (body.type !== 'listingPage') throw new Error(`it is a ${body.type}`)
      t.match(body.stat, { numChildren: count })
      found.push(...body.names.runs.flatMap((run) => [...run.names()]))
      from = body.next
    }
    t.same(found.sort(), wanted)
    t.equal(pages, count === 0 ? 1 : Math.ceil((count * 304) / limits.childrenPageBytes))
  })
}

t.test('many children are listed as of the moment of the request', async (t) => {
  const { server } = alone()
  const client = connected(server)
  client.ask(create('/many'))
  for (let i = 0; i < 1500; i++) client.ask(create(`/many/${i}`))
  const namesOf = (): string[] => {
    const body: ServedReply = client.answer(list('/many'))
    if (body.type !== 'listing') return []
    return body.names.runs.flatMap((run) => [...run.names()]).sort()
  }
  const before = namesOf()
  t.equal(before.length, 1500)
  client.ask(remove('/many/7'), create('/many/new'))
  t.same(namesOf(), [...before.filter((name) => name !== '7'), 'new'].sort())
})

// --- linearizable reads --------------------------------------------------------------------------

const current = (path: string): Request => ({
  type: 'exists',
  path,
  watch: false,
  linearizable: true,
})

t.test(
  'a linearizable read waits for the leader’s confirmation and for its last proposal',
  async (t) => {
    const { cluster, one, two } = pair()
    const client = connected(two)
    cluster.lagging.add(2 as ServerId)
    cluster.autoConfirm = false
    t.same(connected(one).ask(create('/a')).take(), ['create'])
    client.ask(exists('/a'), current('/a'), exists('/a'), current('/b'))
    t.same(client.take(), ['exists NONODE'], 'an ordinary read may be stale')
    cluster.confirm()
    t.same(client.take(), [], 'this server is behind')
    cluster.catchUp(2 as ServerId)
    t.same(client.take(), ['exists', 'exists', 'exists NONODE'])
  },
)

t.test('without the leader’s confirmation a linearizable read is not answered', async (t) => {
  const { cluster, two } = pair()
  cluster.autoConfirm = false
  const client = connected(two)
  client.ask(current('/'), ping)
  t.same(client.take(), [])
  cluster.lose()
  t.same(client.take(), ['closed'])
})

t.test('a later write of the session, once committed, confirms the leader too', async (t) => {
  const { cluster, two } = pair()
  const client = connected(two)
  cluster.autoConfirm = false
  cluster.auto = false
  client.ask(current('/a'), sync, create('/a'), current('/a'), ping)
  t.same(client.take(), [])
  cluster.commit()
  t.same(client.take(), ['exists NONODE', 'sync', 'create'])
  t.equal(two.processors.outstanding, 1, 'no answered request is outstanding')
  cluster.confirm()
  t.same(client.take(), ['exists', 'ping'])
})

t.test('the watch of a linearizable read is set when it is answered', async (t) => {
  const { cluster, one, two } = pair()
  const client = connected(two)
  cluster.autoConfirm = false
  client.ask({ type: 'getData', path: '/', watch: true, linearizable: true })
  connected(one).ask(set('/', 'before'))
  cluster.confirm()
  connected(one).ask(set('/', 'after'))
  t.same(client.take(), ['getData', 'event NodeDataChanged /'])
})

t.test(
  'with any delays, a linearizable read reflects every write answered before it',
  async (t) => {
    const seed = Date.now() % 1_000_000
    t.comment(`seed ${seed}`)
    const random = new Random(seed)
    const cluster = new FakeCluster({ servers: 3 })
    const servers = serversOf(cluster)
    const clients = servers.flatMap((server) => [connected(server), connected(server)])
    clients[0]?.ask(create('/a'))
    /** By client and xid: the version of `/a` acknowledged to any client before that request. */
    const wanted = new Map<PlainClient, Map<number, number>>(clients.map((one) => [one, new Map()]))
    const looked = new Map<PlainClient, number>()
    let told = 0
    let compared = 0
    const look = (): void => {
      for (const client of clients) {
        const { replies } = client
        for (let xid = (looked.get(client) ?? 0) + 1; xid <= replies.length; xid++) {
          const body = replies[xid - 1]?.body
          if (body?.type !== 'exists' && body?.type !== 'setData') continue
          const least = wanted.get(client)?.get(xid)
          if (least !== undefined) {
            compared++
            if (body.stat.version < least) t.fail(`${body.stat.version} is older than ${least}`)
          }
          told = Math.max(told, body.stat.version)
        }
        looked.set(client, replies.length)
      }
    }
    const asked = new Map<PlainClient, number>(clients.map((one) => [one, one.replies.length]))
    const ask = (client: PlainClient, request: Request): number => {
      const xid = (asked.get(client) ?? 0) + 1
      asked.set(client, xid)
      client.ask(request)
      return xid
    }
    for (let step = 0; step < 20_000; step++) {
      const server = random.pick([2, 3]) as ServerId
      const client = random.pick(clients)
      const dice = random.next()
      if (dice < 0.1) cluster.lagging.add(server)
      else if (dice < 0.2) cluster.catchUp(server)
      else if (dice < 0.25) cluster.autoConfirm = !cluster.autoConfirm
      else if (dice < 0.35) cluster.confirm()
      else if (dice < 0.4) cluster.auto = !cluster.auto
      else if (dice < 0.5) cluster.commit(1)
      else if (dice < 0.65) ask(client, set('/a', 'x'))
      else if (dice < 0.75) ask(client, exists('/a'))
      else {
        const least = told
        const xid = ask(client, current('/a'))
        wanted.get(client)?.set(xid, least)
      }
      look()
    }
    t.ok(compared > 1000, `${compared} reads compared`)
    t.ok(told > 1000, `${told} writes`)
  },
)

// --- silence -------------------------------------------------------------------------------------

t.test('a connection that is silent for its session’s time-out is closed', async (t) => {
  const cluster = new FakeCluster({ servers: 2 })
  const clock = new ManualClock()
  const [, two] = serversOf(cluster, clock) as [FakeServer, FakeServer]
  const silent = connected(two)
  const alive = connected(two)
  for (let halfTick = 0; halfTick < 24; halfTick++) {
    alive.ask(ping)
    two.processors.reportTouched()
    if (halfTick === 19) t.equal(silent.closed, false)
    clock.now += 500
  }
  t.equal(silent.closed, true)
  t.equal(alive.closed, false)
  t.equal(two.tree.sessions.size, 2, 'only the leader ends a session')
})

t.test('after the process stood still, requests sent in the meantime are read first', async (t) => {
  const clock = new ManualClock()
  const [server] = serversOf(new FakeCluster(), clock) as [FakeServer]
  const client = connected(server)
  server.processors.reportTouched()
  clock.now += 60_000
  server.processors.reportTouched()
  client.ask(ping)
  clock.now += 500
  server.processors.reportTouched()
  t.equal(client.closed, false)
})

t.test('a hundred thousand requests of any kind, in any order, from any client', async (t) => {
  const seed = Date.now() % 1_000_000
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const cluster = new FakeCluster({ servers: 2 })
  const servers = serversOf(cluster)
  const paths = ['/', '', '/a', '/a/b', '/zookeeper', 'x', '/\0', '/a//b', `/${'l'.repeat(2000)}`]
  const path = (): string => random.pick(paths)
  const kinds: readonly (() => Request)[] = [
    () => get(path(), random.chance(1 / 2)),
    () => exists(path(), random.chance(1 / 2)),
    () => list(path(), random.chance(1 / 2)),
    () => current(path()),
    () => getAcl(path()),
    () => count(path()),
    () => ephemerals(path()),
    () => multiRead({ type: 'getData', path: path() }, { type: 'getChildren', path: path() }),
    () => check(path(), random.pick(['children', 'data', 'any', 'persistent'] as const)),
    () => ({ type: 'removeWatches', path: path(), watcherType: 'any' }),
    () => ({ type: 'addWatch', path: path(), mode: 'persistent' }),
    () => ({ type: 'addWatch', path: path(), mode: 'persistentRecursive' }),
    () => ({
      type: 'setWatches',
      relativeZxid: random.below(1e9) as Zxid,
      data: [path()],
      exist: [path()],
      child: [path()],
      persistent: [path()],
      persistentRecursive: [path()],
    }),
    () => auth(`${random.below(20)}:x`),
    () => refused(errorCodes.BADARGUMENTS),
    () => ping,
    () => sync,
    () => ({ type: 'whoAmI' }),
    () => createWith(random.chance(1 / 2) ? openAcl : allow('1:x r', 'anyone cd'), path()),
    () => create(path(), '', 'ephemeral'),
    () => set(path(), 'x'),
    () => remove(path()),
  ]
  const rare: readonly (() => Request)[] = [
    () => ({ type: 'closeSession' }),
    () => auth('x', 'sasl'),
  ]
  let clients: PlainClient[] = []
  let asked = 0
  let answered = 0
  for (let i = 0; i < 100_000; i++) {
    if (random.chance(1 / 50)) cluster.auto = !cluster.auto
    if (random.chance(1 / 50)) cluster.autoConfirm = !cluster.autoConfirm
    if (random.chance(1 / 10)) cluster.commit(1)
    if (random.chance(1 / 20)) cluster.confirm()
    clients = clients.filter((client) => !client.closed)
    if (clients.length < 4) {
      clients.push(new PlainClient(random.pick(servers)).hello())
      cluster.commit()
      continue
    }
    const client = random.pick(clients)
    const request = random.pick(random.chance(1 / 500) ? rare : kinds)()
    if (random.chance(1 / 2000)) client.close()
    else client.ask(request)
    asked++
    answered += client.take().length
  }
  cluster.autoConfirm = true
  cluster.commit()
  cluster.confirm()
  for (const client of clients) {
    t.equal(client.queue.length, 0, 'everything is answered in the end')
    client.close()
  }
  for (const { processors } of servers) t.equal(processors.watches.watchCount, 0)
  t.ok(answered > asked / 2)
})
