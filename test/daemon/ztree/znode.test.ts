import t from 'tap'
import { Slab } from '../../../src/daemon/ztree/slab.ts'
import { initialFields, nextVersion, Znode } from '../../../src/daemon/ztree/znode.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'

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
  const slab = new Slab()
  const znodes = [1, 2, 3].map(() => new Znode(slab, { ...fields, data }))
  data.fill(0)
  for (const znode of znodes) {
    for (const [name, value] of Object.entries(fields)) {
      t.equal(znode[name as keyof typeof fields], value, name)
    }
    t.equal(Buffer.from(znode.data ?? []).toString(), 'value', 'a copy')
  }
})

t.test('children come and go', async (t) => {
  const znode = new Znode(new Slab(), initialFields)
  znode.removeChild('/a')
  t.same([[...znode.children], znode.childCount], [[], 0])
  znode.addChild('/a')
  znode.addChild('/b')
  t.same([[...znode.children], znode.childCount], [['/a', '/b'], 2])
  znode.removeChild('/a')
  znode.removeChild('/b')
  t.same([[...znode.children], znode.childCount], [[], 0])
})

t.test('children that are many have their names encoded, until they are few again', async (t) => {
  const znode = new Znode(new Slab(), initialFields)
  const paths: string[] = []
  const expect = (isMany: boolean): void => {
    t.equal(znode.childCount, paths.length)
    t.same([...znode.children].sort(), [...paths].sort())
    t.equal(znode.manyNames?.count, isMany ? paths.length : undefined)
  }
  const grow = (count: number): void => {
    while (paths.length < count) {
      const path = `/${paths.length}`
      paths.push(path)
      znode.addChild(path)
    }
  }
  const shrink = (count: number): void => {
    for (const path of paths.splice(count)) znode.removeChild(path)
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
  const slab = new Slab()
  const znode = new Znode(slab, { ...initialFields, version: 7, ctime: 1_700_000_000_123 })
  const neighbour = new Znode(slab, { ...initialFields, data: new Uint8Array(10).fill(9) })
  const lengths = [0, 1, 8, 9, 100, 99, 256, 257, 258, 300_000, 5, 65_480, 65_481, 1_048_575, 0]
  for (const [i, length] of lengths.entries()) {
    const data = new Uint8Array(length).fill(i + 1)
    znode.setData(slab, data)
    t.equal(Buffer.compare(znode.data ?? new Uint8Array(1), data), 0, `${length} bytes`)
    t.same([znode.version, znode.ctime, znode.dataBytes], [7, 1_700_000_000_123, length])
    znode.setData(slab, null)
    t.same([znode.data, znode.dataBytes, znode.version], [null, 0, 7])
  }
  t.same(neighbour.data, new Uint8Array(10).fill(9))
})

t.test('the place of a value that moves, or whose znode is deleted, is reused', async (t) => {
  const slab = new Slab()
  const make = (length: number): Znode =>
    new Znode(slab, { ...initialFields, data: new Uint8Array(length) })
  const start = (znode: Znode): number | undefined => znode.data?.byteOffset
  const first = make(100)
  const left = start(first)
  first.setData(slab, new Uint8Array(1000))
  const second = make(100)
  t.not(start(first), left)
  t.equal(start(second), left)
  second.free(slab)
  t.equal(start(make(100)), left)
})
