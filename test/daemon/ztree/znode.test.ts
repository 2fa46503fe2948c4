import t from 'tap'
import { initialFields, nextVersion, type Znode } from '../../../src/daemon/ztree/znode.ts'
import { Znodes } from '../../../src/daemon/ztree/znodes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'

type Fields = Parameters<Znodes['restore']>[2]

/** Znodes below `/`. */
class Small {
  readonly znodes = new Znodes()
  readonly root = this.znodes.restore('/', undefined, initialFields)

  add(path: string, fields: Fields = initialFields): Znode {
    const znode = this.znodes.add(path, this.root, fields)
    if (znode === undefined) throw new Error(`${path} is there`)
    return znode
  }

  remove(path: string): void {
    const znode = this.znodes.get(path)
    if (znode !== undefined) this.znodes.remove(this.root, znode)
  }
}

t.test('every number is stored exactly, up to the highest', async (t) => {
  const highest = makeZxid({ epoch: 2 ** 21 - 1, counter: 2 ** 32 - 1 })
  const fields = {
    czxid: highest,
    ctime: 1_700_000_000_123,
    mzxid: (highest - 1) as Zxid,
    mtime: 1_700_000_000_456,
    pzxid: (highest - 2) as Zxid,
    version: -(2 ** 31),
    createCount: 2 ** 31 - 1,
    ephemeralOwner: (highest - 3) as SessionId,
    aversion: -(2 ** 31),
    lifetime: 2 ** 40 - 1,
  }
  const data = Buffer.from('value')
  const small = new Small()
  const znodes = ['/a', '/b', '/c'].map((path) => small.add(path, { ...fields, data }))
  data.fill(0)
  for (const znode of znodes) {
    for (const [name, value] of Object.entries(fields)) {
      t.equal(znode[name as keyof typeof fields], value, name)
    }
    t.equal(Buffer.from(znode.data ?? []).toString(), 'value', 'a copy')
  }
})

t.test('children come and go, and are listed in the order of their creation', async (t) => {
  const small = new Small()
  const { root } = small
  t.same([root.names(), root.childCount], [[], 0])
  for (const path of ['/c', '/a', '/b']) small.add(path)
  t.same([root.names(), root.childCount], [['c', 'a', 'b'], 3])
  small.remove('/c')
  t.same([root.names(), root.childCount], [['a', 'b'], 2])
  small.remove('/b')
  small.remove('/a')
  t.same([root.names(), root.childCount], [[], 0])
  small.add('/d')
  t.same([root.names(), root.childCount], [['d'], 1])
})

t.test('children that are many have their names encoded, until they are few again', async (t) => {
  const small = new Small()
  const { root } = small
  const names: string[] = []
  const expect = (isMany: boolean): void => {
    t.equal(root.childCount, names.length)
    t.same(root.names().sort(), [...names].sort())
    t.equal(root.manyNames?.count, isMany ? names.length : undefined)
    const encoded = root.manyNames?.runs.flatMap((run) => [...run.names()])
    if (isMany) t.same(encoded?.sort(), [...names].sort())
  }
  const grow = (count: number): void => {
    while (names.length < count) {
      names.push(String(names.length))
      small.add(`/${names.length - 1}`)
    }
  }
  const shrink = (count: number): void => {
    for (const name of names.splice(count)) small.remove(`/${name}`)
  }
  grow(1023)
  expect(false)
  grow(1024)
  expect(true)
  shrink(513)
  expect(true)
  shrink(512)
  expect(false)
  grow(1024)
  expect(true)
  shrink(0)
  expect(false)
})

for (const [version, next] of [
  [0, 1],
  [2 ** 31 - 1, -(2 ** 31)],
  [-3, -2],
  [-2, 0],
] as const) {
  t.test(`the version after ${version} is ${next}`, async (t) => {
    t.equal(nextVersion(version), next)
  })
}

t.test('a value may grow, shrink, become null and return; the numbers stay', async (t) => {
  const small = new Small()
  const znode = small.add('/a', { ...initialFields, version: 7, ctime: 1_700_000_000_123 })
  const neighbour = small.add('/b', { ...initialFields, data: new Uint8Array(10).fill(9) })
  const lengths = [0, 1, 8, 9, 100, 99, 256, 257, 258, 300_000, 5, 65_480, 65_481, 1_048_575, 0]
  let before = 0
  for (const [i, length] of lengths.entries()) {
    const data = new Uint8Array(length).fill(i + 1)
    t.equal(znode.setData(data), length - before, 'how much longer it is')
    for (const view of [znode, small.znodes.get('/a')]) {
      t.equal(Buffer.compare(view?.data ?? new Uint8Array(1), data), 0, `${length} bytes`)
      t.same([view?.version, view?.ctime, view?.dataBytes], [7, 1_700_000_000_123, length])
    }
    before = 0
    t.equal(znode.setData(null), -length)
    t.same([znode.data, znode.dataBytes, znode.version], [null, 0, 7])
    t.same(small.root.names(), ['a', 'b'])
  }
  t.same(neighbour.data, new Uint8Array(10).fill(9))
})

t.test('the place of a value that moves, or whose znode is deleted, is reused', async (t) => {
  const small = new Small()
  const make = (path: string): Znode =>
    small.add(path, { ...initialFields, data: new Uint8Array(100) })
  const start = (znode: Znode): number | undefined => znode.data?.byteOffset
  const first = make('/a')
  const left = start(first)
  first.setData(new Uint8Array(1000))
  const second = make('/b')
  t.not(start(first), left)
  t.equal(start(second), left)
  small.remove('/b')
  t.equal(start(make('/c')), left)
})
