import t from 'tap'
import { openAcl } from '../../../src/protocol/records.ts'
import type {
  AddWatchMode,
  EventType,
  Request,
  SetWatches,
} from '../../../src/protocol/zk/messages.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'
import { exists, type FakeServer, get, list, remove, serversOf, set } from '../fake-client.ts'
import { FakeCluster } from '../fake-ensemble.ts'
import { allow, connected, createWith, type PlainClient } from '../plain-client.ts'

function alone(): { server: FakeServer } {
  const [server] = serversOf(new FakeCluster()) as [FakeServer]
  return { server }
}

t.test(
  'a client that may not read a znode gets no event of it; the watch is used up',
  async (t) => {
    const { server } = alone()
    const ann = connected(server, 'ann:1')
    const bob = connected(server, 'bob:2')
    for (const client of [ann, bob]) {
      client.ask(exists('/a', true), exists('/a/b', true))
      client.ask({ type: 'addWatch', path: '/a', mode: 'persistentRecursive' })
      client.take()
    }
    const writer = connected(server)
    writer.ask(createWith(allow('ann:1 r', 'anyone cdw'), '/a'), createWith(openAcl, '/a/b'))
    writer.ask(set('/a', 'x'), remove('/a/b'), remove('/a'))
    t.same(ann.take(), [
      'event NodeCreated /a',
      'event NodeCreated /a/b',
      'event NodeDataChanged /a',
      'event NodeDeleted /a/b',
      'event NodeDeleted /a',
    ])
    t.same(bob.take(), ['event NodeCreated /a/b', 'event NodeDeleted /a/b'])
    t.equal(server.processors.watches.watchCount, 2, 'the recursive ones')
  },
)

t.test('events of children go to clients that may read the parent', async (t) => {
  const { server } = alone()
  const client = connected(server)
  const writer = connected(server, 'ann:1')
  client.ask(createWith(allow('ann:1 r', 'anyone c'), '/closed'), createWith(openAcl, '/open'))
  for (const path of ['/closed', '/open'])
    client.ask({ type: 'addWatch', path, mode: 'persistent' })
  client.take()
  writer.ask(createWith(openAcl, '/closed/a'), createWith(allow('ann:1 r'), '/open/a'))
  t.same(client.take(), ['event NodeChildrenChanged /open'])
})

t.test('an event is checked against the ACL at its time, in a multi too', async (t) => {
  const { server } = alone()
  const client = connected(server)
  client.ask({ type: 'addWatch', path: '/a', mode: 'persistent' })
  const data = Buffer.from('')
  const secret = {
    type: 'create',
    path: '/a',
    data,
    mode: 'persistent',
    acl: allow('ann:1 r'),
  } as const
  const open = { ...secret, acl: openAcl }
  const gone = { type: 'delete', path: '/a', version: -1 } as const
  client.take()
  connected(server).ask({ type: 'multi', ops: [secret, gone, open, gone, secret] })
  t.same(client.take(), ['event NodeCreated /a', 'event NodeDeleted /a'])
})

t.test('setWatches needs no permission', async (t) => {
  const { server } = alone()
  const client = connected(server)
  client.ask(createWith(allow('ann:1 r'), '/a'))
  client.take()
  const nothing = { data: [], exist: [], child: [], persistent: [], persistentRecursive: [] }
  const request: SetWatches = { type: 'setWatches', relativeZxid: zxidZero, ...nothing }
  client.ask({ ...request, data: ['/a'] })
  t.same(client.take(), ['event NodeDataChanged /a', 'setWatches'])
})

/** One mode of one client on one path; the model of the test below. */
interface Watch {
  readonly client: PlainClient
  readonly path: string
  readonly kind: 'data' | 'child' | AddWatchMode
}

const dataEvents: readonly EventType[] = ['NodeCreated', 'NodeDeleted', 'NodeDataChanged']

function hears({ path, kind }: Watch, type: EventType, at: string): boolean {
  const isData = dataEvents.includes(type)
  if (kind === 'persistentRecursive') return isData && (at === path || at.startsWith(`${path}/`))
  if (path !== at) return false
  return kind === 'data' ? isData : kind === 'persistent' || type === 'NodeDeleted' || !isData
}

t.test('every client gets each event that it watches and may read, once', async (t) => {
  const seed = Date.now() % 1_000_000
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const { server } = alone()
  const writer = connected(server)
  const ann = connected(server, 'ann:1')
  const bob = connected(server, 'bob:2')
  const clients = [ann, bob, connected(server)]
  const readers: readonly { letters: string[]; names: readonly PlainClient[] }[] = [
    { letters: ['anyone cdrw'], names: clients },
    { letters: ['anyone cdw'], names: [] },
    { letters: ['anyone cdw', 'ann:1 r'], names: [ann] },
    { letters: ['ann:1 r', 'anyone cdw', 'bob:2 r'], names: [ann, bob] },
  ]
  const paths = ['/a', '/a/b', '/a/b/c', '/ab']
  const mayRead = new Map<string, readonly PlainClient[]>([['/', clients]])
  let watches: Watch[] = []

  const watch = (client: PlainClient, path: string): void => {
    const allowed = mayRead.get(path)?.includes(client)
    const [request, kind, sets] = random.pick<[Request, Watch['kind'], boolean]>([
      [get(path, true), 'data', allowed === true],
      [exists(path, true), 'data', allowed !== false],
      [list(path, true), 'child', allowed === true],
      [{ type: 'addWatch', path, mode: 'persistent' }, 'persistent', true],
      [{ type: 'addWatch', path, mode: 'persistentRecursive' }, 'persistentRecursive', true],
    ])
    client.ask(request)
    const known = watches.some((w) => w.client === client && w.path === path && w.kind === kind)
    if (sets && !known) watches.push({ client, path, kind })
  }

  /** The events of a change, each with the identities that may read it. */
  const change = (path: string): [EventType, string, readonly PlainClient[]][] => {
    const parent = path.slice(0, path.lastIndexOf('/')) || '/'
    const before = mayRead.get(path)
    const ofParent = mayRead.get(parent)
    if (before === undefined) {
      if (ofParent === undefined) return []
      const { letters, names } = random.pick(readers)
      writer.ask(createWith(allow(...letters), path))
      mayRead.set(path, names)
      return [
        ['NodeCreated', path, names],
        ['NodeChildrenChanged', parent, ofParent],
      ]
    }
    if (random.chance(1 / 2)) {
      writer.ask(set(path, 'x'))
      return [['NodeDataChanged', path, before]]
    }
    if ([...mayRead.keys()].some((other) => other.startsWith(`${path}/`))) return []
    writer.ask(remove(path))
    mayRead.delete(path)
    return [
      ['NodeDeleted', path, before],
      ['NodeChildrenChanged', parent, ofParent ?? []],
    ]
  }

  for (let i = 0; i < 10_000; i++) {
    for (const client of clients) client.take()
    const path = random.pick(paths)
    if (random.chance(1 / 2)) {
      watch(random.pick(clients), path)
      continue
    }
    const wanted = new Map<PlainClient, string[]>(clients.map((client) => [client, []]))
    for (const [type, at, allowed] of change(path)) {
      const hearing = watches.filter((one) => hears(one, type, at))
      for (const client of new Set(hearing.map((one) => one.client))) {
        if (allowed.includes(client)) wanted.get(client)?.push(`event ${type} ${at}`)
      }
      watches = watches.filter((one) => one.kind.startsWith('pers') || !hearing.includes(one))
    }
    const heard = new Map(clients.map((client) => [client, client.take()]))
    for (const client of clients) {
      if (String(heard.get(client)) !== String(wanted.get(client))) {
        t.same(heard.get(client), wanted.get(client), `step ${i}`)
      }
    }
    if (server.processors.watches.watchCount !== watches.length) t.fail(`watches at step ${i}`)
    if (random.chance(1 / 200)) {
      const gone = random.pick(clients)
      for (const one of paths) gone.ask({ type: 'removeWatches', path: one, watcherType: 'any' })
      watches = watches.filter(({ client }) => client !== gone)
    }
  }
  t.ok(watches.length > 0)
})
