import t from 'tap'
import {
  type Watcher,
  type WatchKind,
  WatchRegistry,
} from '../../../src/client/zk/watch-registry.ts'
import type { EventType } from '../../../src/protocol/zk/messages.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const kinds: WatchKind[] = ['data', 'exist', 'child', 'persistent', 'persistentRecursive']

const cases: { event: EventType; at: string; told: WatchKind[] }[] = [
  { event: 'NodeCreated', at: '/a', told: ['data', 'exist', 'persistent', 'persistentRecursive'] },
  {
    event: 'NodeDataChanged',
    at: '/a',
    told: ['data', 'exist', 'persistent', 'persistentRecursive'],
  },
  { event: 'NodeDeleted', at: '/a', told: kinds },
  { event: 'NodeChildrenChanged', at: '/a', told: ['child', 'persistent'] },
  { event: 'NodeDataChanged', at: '/a/b', told: ['persistentRecursive'] },
  { event: 'NodeDataChanged', at: '/ab', told: [] },
  { event: 'NodeDataChanged', at: '/', told: [] },
]
for (const { event, at, told } of cases) {
  t.test(`${event} at ${at} fires the watches on /a that are ${told.join()}`, async (t) => {
    const registry = new WatchRegistry()
    const named = new Map<Watcher, WatchKind>(kinds.map((kind) => [() => undefined, kind]))
    for (const [watcher, kind] of named) registry.add(kind, '/a', watcher)
    const take = () =>
      registry.take({ type: event, path: at, zxid: zxidZero }).map((one) => named.get(one))
    t.same(take(), told)
    t.same(
      take(),
      told.filter((kind) => kind.startsWith('persistent')),
      'what is not persistent ends with its event',
    )
  })
}

t.test('a watcher with several watches gets an event once', async (t) => {
  const registry = new WatchRegistry()
  const watcher = () => undefined
  for (const kind of kinds) registry.add(kind, '/a', watcher)
  registry.add('persistentRecursive', '/', watcher)
  t.same(registry.take({ type: 'NodeDeleted', path: '/a', zxid: zxidZero }), [watcher])
})

t.test('removing affects exactly that path, type and watcher', async (t) => {
  const registry = new WatchRegistry()
  const [one, two] = [() => undefined, () => undefined]
  registry.add('data', '/a', one)
  registry.add('exist', '/a', two)
  registry.add('child', '/a', one)
  t.ok(registry.has('/a', 'data', one))
  t.ok(registry.has('/a', 'any', undefined))
  t.notOk(registry.has('/a', 'persistent', undefined))
  t.notOk(registry.has('/b', 'any', undefined))
  t.ok(registry.isShared('/a', 'data', one))
  t.notOk(registry.isShared('/a', 'children', one))
  registry.remove('/a', 'data', one)
  t.notOk(registry.has('/a', 'data', one))
  t.ok(registry.has('/a', 'data', two))
  t.ok(registry.has('/a', 'children', one))
  registry.remove('/a', 'any', undefined)
  t.notOk(registry.has('/a', 'any', undefined))
})

t.test('everything is rearmed, in pieces far below the frame limit', async (t) => {
  const registry = new WatchRegistry()
  const count = 6000
  for (let i = 0; i < count; i++) {
    registry.add(kinds[i % kinds.length] as WatchKind, `/${'x'.repeat(90)}/${i}`, () => undefined)
  }
  const requests = registry.rearm(5 as Zxid)
  const paths = requests.map((r) => kinds.flatMap((kind) => r[kind]))
  t.ok(requests.length > 1)
  t.ok(requests.every((request) => request.relativeZxid === 5))
  t.ok(paths.every((some) => Buffer.byteLength(some.join('')) < 200_000))
  t.equal(new Set(paths.flat()).size, count)
  t.same(new WatchRegistry().rearm(5 as Zxid), [])
})
