import t from 'tap'
import {
  rearmWatches,
  type WatchKind,
  WatchManager,
} from '../../../src/daemon/ztree/watch-manager.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { EventType, WatchEvent, WatcherType } from '../../../src/protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { Random } from '../../../src/random.ts'
import { create, remove, setData, TreeWorld } from '../tree-world.ts'

interface Watcher {
  readonly name: string
}

const ann: Watcher = { name: 'ann' }
const bob: Watcher = { name: 'bob' }

function fire(watches: WatchManager<Watcher>, type: EventType, path: string): string[] {
  const heard: string[] = []
  watches.trigger({ type, path, zxid: 1 as Zxid }, (watcher, event) => {
    heard.push(`${watcher.name} ${event.type} ${event.path}`)
  })
  return heard
}

/** Which events at `/a`, `/a/b` and `/` fire one watch on `/a`, and whether it outlives them. */
const kinds: readonly {
  kind: WatchKind
  hears: readonly string[]
  stays: boolean
}[] = [
  {
    kind: 'data',
    hears: ['NodeCreated /a', 'NodeDeleted /a', 'NodeDataChanged /a'],
    stays: false,
  },
  { kind: 'child', hears: ['NodeDeleted /a', 'NodeChildrenChanged /a'], stays: false },
  {
    kind: 'persistent',
    hears: ['NodeCreated /a', 'NodeDeleted /a', 'NodeDataChanged /a', 'NodeChildrenChanged /a'],
    stays: true,
  },
  {
    kind: 'persistentRecursive',
    hears: [
      'NodeCreated /a',
      'NodeDeleted /a',
      'NodeDataChanged /a',
      'NodeCreated /a/b',
      'NodeDeleted /a/b',
      'NodeDataChanged /a/b',
      'NodeCreated /a/b/c',
      'NodeDeleted /a/b/c',
      'NodeDataChanged /a/b/c',
    ],
    stays: true,
  },
]

const eventTypes = ['NodeCreated', 'NodeDeleted', 'NodeDataChanged', 'NodeChildrenChanged'] as const

for (const { kind, hears, stays } of kinds) {
  for (const path of ['/', '/a', '/a/b', '/a/b/c', '/ab']) {
    for (const type of eventTypes) {
      const claim = hears.includes(`${type} ${path}`)
      t.test(`a ${kind} watch on /a ${claim ? 'hears' : 'ignores'} ${type} ${path}`, async (t) => {
        const watches = new WatchManager<Watcher>()
        watches.add('/a', kind, ann)
        const once = claim ? [`ann ${type} ${path}`] : []
        t.same(fire(watches, type, path), once)
        t.same(fire(watches, type, path), stays ? once : [])
        t.equal(watches.watchCount, claim && !stays ? 0 : 1)
        t.equal(watches.pathCount, watches.watchCount)
      })
    }
  }
}

t.test('one watcher with several modes hears an event once', async (t) => {
  const watches = new WatchManager<Watcher>()
  for (const { kind } of kinds) watches.add('/a', kind, ann)
  watches.add('/', 'persistentRecursive', ann)
  t.equal(watches.watchCount, 5)
  t.same(fire(watches, 'NodeDeleted', '/a'), ['ann NodeDeleted /a'])
  t.equal(watches.watchCount, 3, 'both one-shots are used up')
  t.same(fire(watches, 'NodeChildrenChanged', '/a'), ['ann NodeChildrenChanged /a'])
  t.same(fire(watches, 'NodeCreated', '/a'), ['ann NodeCreated /a'])
  t.equal(watches.watchCount, 3)
})

t.test('a data change uses up the data watch and leaves the child watch', async (t) => {
  const watches = new WatchManager<Watcher>()
  watches.add('/a', 'data', ann)
  watches.add('/a', 'child', ann)
  t.same(fire(watches, 'NodeDataChanged', '/a'), ['ann NodeDataChanged /a'])
  t.same(fire(watches, 'NodeDataChanged', '/a'), [])
  t.same(fire(watches, 'NodeChildrenChanged', '/a'), ['ann NodeChildrenChanged /a'])
  t.equal(watches.watchCount, 0)
})

t.test('a recursive watch on the root gets every event except NodeChildrenChanged', async (t) => {
  const watches = new WatchManager<Watcher>()
  watches.add('/', 'persistentRecursive', ann)
  t.same(fire(watches, 'NodeDataChanged', '/'), ['ann NodeDataChanged /'])
  t.same(fire(watches, 'NodeCreated', '/x/y/z'), ['ann NodeCreated /x/y/z'])
  t.same(fire(watches, 'NodeChildrenChanged', '/'), [])
})

t.test('adding the same again changes nothing', async (t) => {
  const watches = new WatchManager<Watcher>()
  watches.add('/a', 'data', ann)
  watches.add('/a', 'data', ann)
  t.equal(watches.watchCount, 1)
  t.same(fire(watches, 'NodeCreated', '/a'), ['ann NodeCreated /a'])
})

const removals: readonly { type: WatcherType; left: readonly WatchKind[] }[] = [
  { type: 'children', left: ['data', 'persistent', 'persistentRecursive'] },
  { type: 'data', left: ['child', 'persistent', 'persistentRecursive'] },
  { type: 'persistent', left: ['data', 'child', 'persistentRecursive'] },
  { type: 'persistentRecursive', left: ['data', 'child', 'persistent'] },
  { type: 'any', left: [] },
]
for (const { type, left } of removals) {
  t.test(`removing ${type} leaves ${left.join(', ') || 'nothing'}`, async (t) => {
    const watches = new WatchManager<Watcher>()
    for (const { kind } of kinds) {
      watches.add('/a', kind, ann)
      watches.add('/a', kind, bob)
      watches.add('/b', kind, ann)
    }
    t.equal(watches.remove('/a', type, ann), true)
    t.equal(watches.remove('/a', type, ann), false, 'it is removed')
    t.equal(watches.remove('/c', type, ann), false, 'there never was one')
    t.equal(watches.countOf(ann), 4 + left.length)
    t.equal(watches.countOf(bob), 4)
    const wanted = new WatchManager<Watcher>()
    for (const kind of left) wanted.add('/a', kind, ann)
    for (const event of eventTypes) {
      const heard = fire(watches, event, '/a').filter((line) => line.startsWith('ann'))
      t.same(heard, fire(wanted, event, '/a'))
    }
  })
}

t.test('the empty path is the root', async (t) => {
  const watches = new WatchManager<Watcher>()
  watches.add('', 'persistent', ann)
  t.equal(watches.has('/', 'persistent', ann), true)
  t.same(fire(watches, 'NodeDataChanged', '/'), ['ann NodeDataChanged /'])
  t.equal(watches.remove('', 'any', ann), true)
  t.same([watches.has('', 'any', ann), watches.watchCount], [false, 0])
})

t.test('a dropped watcher gets no event and leaves nothing behind', async (t) => {
  const watches = new WatchManager<Watcher>()
  for (const { kind } of kinds) {
    watches.add('/a', kind, ann)
    watches.add('/b', kind, ann)
  }
  watches.add('/a', 'data', bob)
  watches.dropWatcher(ann)
  watches.dropWatcher(ann)
  t.same([watches.watchCount, watches.pathCount, watches.watcherCount], [1, 1, 1])
  t.same(fire(watches, 'NodeDeleted', '/a'), ['bob NodeDeleted /a'])
  t.same([watches.watchCount, watches.pathCount, watches.watcherCount], [0, 0, 0])
})

t.test('a watcher may drop and add watches during an event', async (t) => {
  const watches = new WatchManager<Watcher>()
  watches.add('/a', 'data', ann)
  watches.add('/a', 'persistentRecursive', bob)
  const heard: string[] = []
  watches.trigger({ type: 'NodeCreated', path: '/a', zxid: 1 as Zxid }, (watcher) => {
    heard.push(watcher.name)
    watches.dropWatcher(watcher)
    watches.add('/a', 'data', watcher)
  })
  t.same(heard, ['ann', 'bob'])
  t.equal(watches.watchCount, 2)
})

t.test('random watches: tables, counts and events agree with a plain list', async (t) => {
  const seed = 20_261
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const watchers: Watcher[] = ['ann', 'bob', 'cyd'].map((name) => ({ name }))
  const paths = ['/', '/a', '/a/b', '/a/b/c', '/ab', '/d']
  const watches = new WatchManager<Watcher>()
  let model: { path: string; kind: WatchKind; watcher: Watcher }[] = []
  const dataEvents: readonly string[] = ['NodeCreated', 'NodeDeleted', 'NodeDataChanged']
  for (let step = 0; step < 20_000; step++) {
    const path = random.pick(paths)
    const watcher = random.pick(watchers)
    const { kind } = random.pick(kinds)
    const dice = random.next()
    if (dice < 0.5) {
      watches.add(path, kind, watcher)
      const has = model.some((w) => w.path === path && w.kind === kind && w.watcher === watcher)
      if (!has) model.push({ path, kind, watcher })
    } else if (dice < 0.53) {
      watches.dropWatcher(watcher)
      model = model.filter((w) => w.watcher !== watcher)
    } else if (dice < 0.6) {
      const type = kind === 'child' ? 'children' : kind
      const had = model.length
      model = model.filter((w) => w.path !== path || w.kind !== kind || w.watcher !== watcher)
      const removed = had > model.length
      if (watches.has(path, type, watcher) !== removed) t.fail(`has at ${step}`)
      if (watches.remove(path, type, watcher) !== removed) t.fail(`remove at ${step}`)
    } else {
      const type = random.pick(eventTypes)
      const matches = (w: (typeof model)[number]): boolean => {
        const below = w.path === '/' || path === w.path || path.startsWith(`${w.path}/`)
        if (w.kind === 'persistentRecursive') return below && dataEvents.includes(type)
        if (w.path !== path) return false
        if (w.kind === 'data') return dataEvents.includes(type)
        return w.kind === 'persistent' || type === 'NodeDeleted' || type === 'NodeChildrenChanged'
      }
      const wanted = [...new Set(model.filter(matches).map((w) => w.watcher.name))].sort()
      model = model.filter((w) => !matches(w) || w.kind.startsWith('persistent'))
      const heard = fire(watches, type, path).map((line) => line.split(' ')[0])
      if (heard.sort().join() !== wanted.join()) t.same(heard, wanted, `${type} ${path} at ${step}`)
    }
    if (watches.watchCount !== model.length) t.equal(watches.watchCount, model.length, `${step}`)
  }
  t.equal(watches.pathCount, new Set(model.map((w) => w.path)).size)
  t.equal(watches.watcherCount, new Set(model.map((w) => w.watcher)).size)
})

const changes: readonly {
  name: string
  run: (w: TreeWorld, s: SessionId) => void
  want: string[]
}[] = [
  {
    name: 'create',
    run: (w, s) => w.request(s, create('/a/x')),
    want: ['NodeCreated /a/x', 'NodeChildrenChanged /a'],
  },
  { name: 'setData', run: (w, s) => w.request(s, setData('/a')), want: ['NodeDataChanged /a'] },
  {
    name: 'delete',
    run: (w, s) => w.request(s, remove('/a/b')),
    want: ['NodeDeleted /a/b', 'NodeChildrenChanged /a'],
  },
  { name: 'a refusal', run: (w, s) => w.request(s, remove('/x')), want: [] },
  { name: 'a new session', run: (w) => w.open(), want: [] },
  {
    name: 'the end of a session',
    run: (w, s) => w.request(s, { type: 'closeSession' }),
    want: ['NodeDeleted /a/e', 'NodeChildrenChanged /a', 'NodeDeleted /e', 'NodeChildrenChanged /'],
  },
]
for (const { name, run, want } of changes) {
  t.test(`what the tree fires at ${name}`, async (t) => {
    const w = new TreeWorld()
    const session = w.open()
    for (const path of ['/a', '/a/b']) w.request(session, create(path))
    for (const path of ['/e', '/a/e']) w.request(session, create(path, '', 'ephemeral'))
    w.takeEvents()
    run(w, session)
    t.ok(w.events.every((event) => event.zxid === w.tree.lastApplied))
    t.same(w.takeEvents(), want)
  })
}

t.test('rearming fires missed events and arms the other watches', async (t) => {
  const w = new TreeWorld()
  const session = w.open()
  for (const path of ['/same', '/changed', '/parent', '/quiet', '/gone']) {
    w.request(session, create(path))
  }
  const relativeZxid = w.tree.lastApplied
  w.request(session, setData('/changed'))
  w.request(session, create('/parent/child'))
  w.request(session, remove('/gone'))
  w.request(session, create('/new'))
  const all = ['/same', '/changed', '/parent', '/gone', '/new']
  const watches = new WatchManager<Watcher>()
  const events: WatchEvent[] = []
  rearmWatches(
    {
      type: 'setWatches',
      relativeZxid,
      data: all,
      exist: ['/gone', '/new'],
      child: [...all, '/quiet'],
      persistent: ['/gone'],
      persistentRecursive: ['/new'],
    },
    { tree: w.tree, watches, watcher: ann },
    (watcher, event) => {
      t.equal(watcher, ann)
      events.push(event)
    },
  )
  t.ok(events.every((event) => event.zxid === zxidZero))
  t.same(
    events.map(({ type, path }) => `${type} ${path}`),
    [
      'NodeDataChanged /changed',
      'NodeDeleted /gone',
      'NodeDataChanged /new',
      'NodeCreated /new',
      'NodeChildrenChanged /parent',
      'NodeDeleted /gone',
      'NodeChildrenChanged /new',
    ],
  )
  t.equal(watches.countOf(ann), 8)
  t.same(fire(watches, 'NodeDataChanged', '/same'), ['ann NodeDataChanged /same'])
  t.same(fire(watches, 'NodeDataChanged', '/parent'), ['ann NodeDataChanged /parent'])
  t.same(fire(watches, 'NodeDataChanged', '/changed'), [], 'it fired: it is not armed')
  t.same(fire(watches, 'NodeChildrenChanged', '/quiet'), ['ann NodeChildrenChanged /quiet'])
  t.same(fire(watches, 'NodeCreated', '/gone'), ['ann NodeCreated /gone'])
  t.same(fire(watches, 'NodeCreated', '/new/x'), ['ann NodeCreated /new/x'])
})
