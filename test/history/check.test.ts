import t from 'tap'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { checkHistory } from './check.ts'
import type { WriteCall } from './history.ts'
import { Model, type ModelClient } from './model.ts'

interface Case {
  readonly name: string
  /** the rules found broken; none for a good history */
  readonly broken: readonly string[]
  readonly run: (world: { model: Model; a: ModelClient; b: ModelClient }) => void
}

/** Notes that a watch of `client` received the model's last change. */
function tell(model: Model, client: ModelClient, watch: number, path: string, zxid?: number): void {
  const type = path === '/r' ? 'NodeDataChanged' : 'NodeChildrenChanged'
  const { name, session } = client
  const at = (zxid ?? model.state.zxid) as Zxid
  model.history.notice({ client: name, session, watch, type, path, zxid: at })
}

function tellCreated(model: Model, client: ModelClient, path: string): void {
  const { name, session } = client
  const zxid = model.state.zxid as Zxid
  model.history.notice({ client: name, session, watch: 1, type: 'NodeCreated', path, zxid })
}

const registers: Case[] = [
  {
    name: 'writes and reads one after another',
    broken: [],
    run: ({ a, b }) => {
      a.set('/r', 0)
      b.get('/r')
      b.set('/r', 1)
      a.set('/r', -1)
      a.get('/r')
    },
  },
  {
    name: 'a write that is refused for its version, and one of unknown outcome that happened',
    broken: [],
    run: ({ a, b }) => {
      a.set('/r', 0)
      b.set('/r', 0)
      b.writeUnknown(b.setting('/r', 1), { happens: true })
      a.get('/r')
      a.set('/r', 2)
    },
  },
  {
    name: 'a write of unknown outcome that happened and was overwritten unseen',
    broken: [],
    run: ({ a, b }) => {
      b.writeUnknown(b.setting('/r', -1), { happens: true })
      a.set('/r', -1)
      a.get('/r')
    },
  },
  {
    name: 'a stale local read by a client that has seen nothing later',
    broken: [],
    run: ({ model, a, b }) => {
      const before = model.copy()
      a.set('/r', 0)
      b.get('/r', { synced: false, from: before })
      b.get('/r')
    },
  },
  {
    name: 'a lost write: acknowledged, and gone',
    broken: ['synced reads are fresh'],
    run: ({ model, a, b }) => {
      const before = model.copy()
      a.set('/r', 0)
      model.state = before
      b.get('/r')
    },
  },
  {
    name: 'a lost write, and another one in its place',
    broken: ['one history', 'acknowledged is kept'],
    run: ({ model, a, b }) => {
      const before = model.copy()
      a.set('/r', 0)
      model.state = before
      model.state.zxid += 2 ** 32
      b.set('/r', 0)
      b.get('/r')
    },
  },
  {
    name: 'a write that happened twice',
    broken: ['at most once'],
    run: ({ model, a, b }) => {
      const write = a.setting('/r', -1)
      a.write(write)
      model.apply(write, a.session)
      b.get('/r')
    },
  },
  {
    name: 'a write that happened twice, unseen in between',
    broken: ['at most once'],
    run: ({ model, a, b }) => {
      const write = a.setting('/r', -1)
      a.write(write)
      model.apply(write, a.session)
      b.set('/r', -1)
    },
  },
  {
    name: 'a write of unknown outcome that happened twice',
    broken: ['at most once'],
    run: ({ model, a, b }) => {
      const write = a.setting('/r', -1)
      a.writeUnknown(write, { happens: true })
      model.apply(write, a.session)
      b.set('/r', -1)
    },
  },
  {
    name: 'a write that was refused, and happened',
    broken: ['refused is never'],
    run: ({ model, a, b }) => {
      const write = a.setting('/r', 0)
      const end = a.begin(write)
      model.apply(write, a.session)
      end({ type: 'refused', code: 'BADVERSION' })
      b.get('/r')
    },
  },
  {
    name: 'a write that was refused although the version was right',
    broken: ['compare and set'],
    run: ({ a, b }) => {
      a.get('/r')
      a.begin(a.setting('/r', 0))({ type: 'refused', code: 'BADVERSION' })
      b.set('/r', 0)
    },
  },
  {
    name: 'a compare and set that replaced another version',
    broken: ['compare and set'],
    run: ({ model, a, b }) => {
      b.set('/r', 0)
      const end = a.begin(a.setting('/r', 0))
      const sight = model.apply({ ...a.setting('/r', -1), data: 'w4' } as WriteCall, a.session)
      end({ type: 'ok', sights: sight === undefined ? [] : [sight] })
    },
  },
  {
    name: 'a value that no operation wrote',
    broken: ['nothing from nowhere'],
    run: ({ model, a }) => {
      model.apply({ type: 'setData', path: '/r', data: 'w999', version: -1 }, a.session)
      a.get('/r')
    },
  },
  {
    name: 'a stale synced read',
    broken: ['synced reads are fresh'],
    run: ({ model, a, b }) => {
      const before = model.copy()
      a.set('/r', 0)
      b.get('/r', { from: before })
    },
  },
  {
    name: 'a session that goes back: it saw one znode change, and another one as it was before',
    broken: ['a session never goes back'],
    run: ({ model, a, b }) => {
      const before = model.copy()
      a.set('/r', 0)
      a.set('/s', 0)
      b.get('/s', { synced: false })
      b.get('/r', { synced: false, from: before })
    },
  },
  {
    name: 'a session that does not see its own write',
    broken: ['a session never goes back'],
    run: ({ model, a }) => {
      const before = model.copy()
      a.set('/r', 0)
      a.get('/r', { synced: false, from: before })
    },
  },
  {
    name: 'a session whose requests change places',
    broken: ['a session is first in, first out'],
    run: ({ model, a }) => {
      const first = a.begin({ type: 'getData', path: '/r', synced: false })
      const second = a.begin({ type: 'getData', path: '/s', synced: false })
      second({ type: 'ok', sights: [model.sight('/s', model.state, 'data')] })
      first({ type: 'ok', sights: [model.sight('/r', model.state, 'data')] })
    },
  },
  {
    name: 'a write that took effect before one that had ended when it began',
    broken: ['writes in real time'],
    run: ({ model, a, b }) => {
      const early = { ...b.setting('/s', 0), data: 'w4' } as WriteCall
      const sight = model.apply(early, b.session)
      a.set('/r', 0)
      b.begin(early)({ type: 'ok', sights: sight === undefined ? [] : [sight] })
    },
  },
  {
    name: 'a multi that happened',
    broken: [],
    run: ({ a, b }) => {
      a.multi([a.setting('/r', 0), a.setting('/s', 0)])
      b.get('/r')
      b.get('/s')
    },
  },
  {
    name: 'half a multi',
    broken: ['a session never goes back', 'synced reads are fresh'],
    run: ({ model, a, b }) => {
      const calls = [a.setting('/r', 0), a.setting('/s', 0)]
      a.begin({ type: 'multi', calls })
      model.apply(calls[0] as WriteCall, a.session)
      b.get('/r')
      b.get('/s')
    },
  },
]

const children: Case[] = [
  {
    name: 'sequential creates, deletes, and listings',
    broken: [],
    run: ({ a, b }) => {
      const path = a.create('/q', 'persistentSequential')
      b.create('/q', 'persistentSequential')
      b.list('/q')
      a.write({ type: 'delete', path, version: -1 })
      a.writeUnknown(a.creating('/q', 'persistentSequential'), { happens: true })
      b.list('/q')
    },
  },
  {
    name: 'a create that was lost',
    broken: ['synced reads are fresh'],
    run: ({ model, a, b }) => {
      const before = model.copy()
      a.create('/q', 'persistentSequential')
      model.state = before
      b.list('/q')
    },
  },
  {
    name: 'a create that was lost behind a later one',
    broken: ['acknowledged is kept'],
    run: ({ model, a, b }) => {
      const path = a.create('/q', 'persistentSequential')
      model.state.znodes.delete(path)
      a.create('/q', 'persistentSequential')
      b.list('/q')
    },
  },
  {
    name: 'a create that happened twice',
    broken: ['at most once'],
    run: ({ model, a, b }) => {
      const write = a.creating('/q', 'persistentSequential')
      a.writeUnknown(write, { happens: true })
      model.apply(write, a.session)
      b.list('/q')
    },
  },
  {
    name: 'a create that was refused, and happened',
    broken: ['refused is never'],
    run: ({ model, a, b }) => {
      const write = a.creating('/q', 'persistent')
      const end = a.begin(write)
      model.apply(write, a.session)
      end({ type: 'refused', code: 'NODEEXISTS' })
      b.list('/q')
    },
  },
  {
    name: 'a number that was given twice',
    broken: ['numbers are unique', 'numbers rise'],
    run: ({ model, a, b }) => {
      a.create('/q', 'persistentSequential')
      const parent = model.state.znodes.get('/q')
      if (parent !== undefined) parent.created = 0
      b.create('/q', 'persistentSequential')
    },
  },
  {
    name: 'a deleted child that comes back',
    broken: ['acknowledged is kept', 'one history'],
    run: ({ model, a, b }) => {
      const path = a.create('/q', 'persistent')
      b.list('/q')
      const znode = model.state.znodes.get(path)
      a.write({ type: 'delete', path, version: -1 })
      b.list('/q')
      b.create('/q', 'persistent')
      if (znode !== undefined) model.state.znodes.set(path, znode)
      b.list('/q')
    },
  },
  {
    name: 'an ephemeral that goes when its session is closed',
    broken: [],
    run: ({ a, b }) => {
      a.create('/q', 'ephemeral')
      b.list('/q')
      a.close()
      b.list('/q')
    },
  },
  {
    name: 'an ephemeral that stays when its session is closed',
    broken: ['ephemerals go with their session'],
    run: ({ model, a, b }) => {
      const path = a.create('/q', 'ephemeral')
      const znode = model.state.znodes.get(path)
      a.close()
      if (znode !== undefined) model.state.znodes.set(path, znode)
      b.list('/q')
    },
  },
  {
    name: 'an ephemeral that goes before its session',
    broken: ['ephemerals live with their session'],
    run: ({ model, a, b }) => {
      a.create('/q', 'ephemeral')
      model.endSession(a.session)
      b.list('/q')
      a.get('/r')
    },
  },
  {
    name: 'half a multi: its create is missing',
    broken: ['acknowledged is kept'],
    run: ({ model, a, b }) => {
      const calls = [a.setting('/r', 0), a.creating('/q', 'persistent')]
      const end = a.begin({ type: 'multi', calls })
      model.apply(calls[0] as WriteCall, a.session)
      end({ type: 'unknown' })
      b.get('/r')
      b.create('/q', 'persistent')
      b.list('/q')
    },
  },
]

const watches: Case[] = [
  {
    name: 'a watch that is told before the data',
    broken: [],
    run: ({ model, a, b }) => {
      a.get('/r', { watch: 1 })
      b.set('/r', 0)
      tell(model, a, 1, '/r')
      a.get('/r')
    },
  },
  {
    name: 'a watch that its own session sets off, told before the answer',
    broken: [],
    run: ({ model, a }) => {
      a.get('/r', { watch: 1 })
      const write = a.setting('/r', 0)
      const end = a.begin(write)
      const sight = model.apply(write, a.session)
      tell(model, a, 1, '/r')
      end({ type: 'ok', sights: sight === undefined ? [] : [sight] })
    },
  },
  {
    name: 'a watch that is missed',
    broken: ['no watch is missed'],
    run: ({ a, b }) => {
      a.get('/r', { watch: 1 })
      b.set('/r', 0)
      a.get('/r')
    },
  },
  {
    name: 'a watch that is missed, as later data of another znode shows',
    broken: ['no watch is missed'],
    run: ({ a, b }) => {
      a.list('/q', { watch: 1 })
      b.create('/q', 'persistent')
      b.set('/r', 0)
      a.get('/r')
    },
  },
  {
    name: 'a watch that is told after the data',
    broken: ['watch before data'],
    run: ({ model, a, b }) => {
      a.get('/r', { watch: 1 })
      b.set('/r', 0)
      a.get('/r')
      tell(model, a, 1, '/r')
    },
  },
  {
    name: 'a one-shot watch that fires twice',
    broken: ['a one-shot watch fires once'],
    run: ({ model, a, b }) => {
      a.get('/r', { watch: 1 })
      b.set('/r', 0)
      tell(model, a, 1, '/r')
      b.set('/r', 1)
      tell(model, a, 1, '/r')
    },
  },
  {
    name: 'a watch that fires for a change its reader had seen',
    broken: ['watches tell what happened'],
    run: ({ model, a, b }) => {
      b.set('/r', 0)
      a.get('/r', { watch: 1 })
      tell(model, a, 1, '/r')
    },
  },
  {
    name: 'a recursive watch that receives every create',
    broken: [],
    run: ({ model, a, b }) => {
      a.begin({ type: 'addWatch', path: '/q', watch: 1 })({ type: 'ok', sights: [] })
      tellCreated(model, a, b.create('/q', 'persistentSequential'))
      tellCreated(model, a, b.create('/q', 'persistentSequential'))
      a.list('/q')
    },
  },
  {
    name: 'a recursive watch that misses a create',
    broken: ['no watch is missed'],
    run: ({ model, a, b }) => {
      a.begin({ type: 'addWatch', path: '/q', watch: 1 })({ type: 'ok', sights: [] })
      b.create('/q', 'persistentSequential')
      tellCreated(model, a, b.create('/q', 'persistentSequential'))
      a.list('/q')
    },
  },
  {
    name: 'a recursive watch that is told twice',
    broken: ['watches in order'],
    run: ({ model, a, b }) => {
      a.begin({ type: 'addWatch', path: '/q', watch: 1 })({ type: 'ok', sights: [] })
      const path = b.create('/q', 'persistentSequential')
      tellCreated(model, a, path)
      tellCreated(model, a, path)
    },
  },
]

const replicas: Case[] = [
  {
    name: 'replicas that are equal',
    broken: [],
    run: ({ model }) => {
      addReplica(model, 'one')
      addReplica(model, 'two')
    },
  },
  {
    name: 'replicas that differ in a value',
    broken: ['replicas are equal'],
    run: ({ model, a }) => {
      addReplica(model, 'one')
      model.apply(a.setting('/r', -1), a.session)
      addReplica(model, 'two')
    },
  },
]

function addReplica(model: Model, server: string): void {
  const { state } = model
  const paths = [...state.znodes.keys()]
  const znodes = new Map(paths.map((path) => [path, model.sight(path, state, 'data')]))
  model.history.replicas.push({ server, znodes })
}

for (const { name, broken, run } of [...registers, ...children, ...watches, ...replicas]) {
  t.test(`${broken.length === 0 ? 'accepts' : 'rejects'}: ${name}`, async (t) => {
    const model = new Model()
    const a = model.client('a', 1)
    a.register('/r')
    a.register('/s')
    model.apply({ type: 'create', path: '/q', data: '', mode: 'persistent' }, a.session)
    run({ model, a: model.client('a', 2), b: model.client('b', 3) })
    const violations = checkHistory(model.history)
    const rules = [...new Set(violations.map(({ rule }) => rule))]
    t.same(rules.sort(), [...broken].sort(), violations.map(({ found }) => found).join('; '))
  })
}
