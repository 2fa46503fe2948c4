import t, { type Test } from 'tap'
import { type Digest, Hash, sameDigest } from '../../../src/daemon/ztree/digest.ts'
import { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { type Acl, openAcl, type SessionId } from '../../../src/protocol/records.ts'
import type { WriteRequest } from '../../../src/protocol/zk/messages.ts'
import { Random } from '../../../src/random.ts'
import { create, image, multi, remove, setData, TreeWorld } from '../tree-world.ts'

/** The digest of a tree built from the contents of `tree`, in another order. */
function rebuilt(tree: ZTree): Digest {
  const copy = new ZTree(tree.lastApplied)
  for (const [id, session] of [...tree.sessions].reverse()) copy.restoreSession(id, session)
  const walk = (path: string): void => {
    const znode = tree.get(path)
    if (znode === undefined) throw new Error(`${path} is missing`)
    copy.restore(path, znode)
    for (const name of tree.children(znode).sort().reverse()) {
      walk(path === '/' ? `/${name}` : `${path}/${name}`)
    }
  }
  walk('/')
  return copy.digest
}

t.test('the digest depends only on the contents of the tree', async (t) => {
  const seed = Math.floor(Math.random() * 1e9)
  t.comment(`seed ${seed}`)
  const random = new Random(seed)
  const world = new TreeWorld()
  const { tree } = world
  let session = world.open()
  const paths = ['/a', '/b', '/a/x', '/b/x', '/b/x/z', '/ä']
  const acls: (readonly Acl[])[] = [openAcl]
  for (const perms of [30, 31, 63]) acls.push([{ perms, scheme: 'ip', id: '127.0.0.1' }])
  const seen = new Map<string, string>()
  for (let step = 0; step < 1000; step++) {
    const path = random.pick(paths)
    const data = 'x'.repeat(random.below(40) + (random.chance(0.2) ? 240 : 0))
    const dice = random.next()
    if (dice < 0.35) world.request(session, create(path, data))
    else if (dice < 0.45) world.request(session, create(path, data, 'ephemeral'))
    else if (dice < 0.6) world.request(session, remove(path))
    else if (dice < 0.7) {
      const acl = random.pick(acls)
      world.request(session, { type: 'setACL', path, acl, version: -1 })
    } else if (dice < 0.85) world.request(session, setData(path, data))
    else if (dice < 0.95) world.request(session, multi(create(`${path}/m`), setData(path, data)))
    else {
      world.request(session, { type: 'closeSession' })
      session = world.open()
    }
    if (!sameDigest(rebuilt(tree), tree.digest)) t.fail(`another digest at step ${step}`)
    const { lastApplied: _, ...shown } = image(tree) as { lastApplied: number }
    const key = JSON.stringify(tree.digest)
    const text = JSON.stringify(shown)
    if (seen.has(key) && seen.get(key) !== text) t.fail(`one digest of two trees: ${text}`)
    seen.set(key, text)
  }
  t.ok(seen.size > 100, `${seen.size} trees`)
})

t.test('every field counts', async (t) => {
  const fields = {
    data: Buffer.from('value'),
    czxid: 1,
    ctime: 2,
    mzxid: 3,
    mtime: 4,
    pzxid: 5,
    version: 6,
    createCount: 7,
    ephemeralOwner: 0 as SessionId,
    acl: openAcl,
    aversion: 0,
    lifetime: 0,
  } as never as Parameters<ZTree['restore']>[1]
  const digestOf = (path: string, changed: object): string => {
    const tree = new ZTree()
    tree.restore(path, { ...fields, ...changed })
    return JSON.stringify(tree.digest)
  }
  const digests = [
    digestOf('/a', {}),
    digestOf('/b', {}),
    ...['czxid', 'ctime', 'mzxid', 'mtime', 'pzxid', 'version', 'createCount'].map((name) =>
      digestOf('/a', { [name]: 8 }),
    ),
    ...['', 'valuf', 'value\0', 'valu', 'v', 'value value'].map((data) =>
      digestOf('/a', { data: Buffer.from(data) }),
    ),
    ...[256, 257, 258, 5000].flatMap((length) => {
      const long = Buffer.alloc(length, 'v')
      return [long, Buffer.concat([long.subarray(1), Buffer.from('w')])].map((data) =>
        digestOf('/a', { data }),
      )
    }),
    digestOf('/a', { data: null }),
    digestOf('/a', { ephemeralOwner: 9 }),
    digestOf('/a', { aversion: 1 }),
    ...[-1, 1, 2 ** 32, 2 ** 39].map((lifetime) => digestOf('/a', { lifetime })),
    ...['a:b', 'a:c'].map((id) => digestOf('/a', { acl: [{ perms: 1, scheme: 'digest', id }] })),
    digestOf('/a', { acl: [{ perms: 2, scheme: 'digest', id: 'a:b' }] }),
    digestOf('/a', { acl: [] }),
  ]
  t.equal(new Set(digests).size, digests.length)
})

/** How many bytes of records are hashed while `work` runs. */
function hashedBytes(t: Test, work: () => void): number {
  const words = t.capture(Hash.prototype, 'words', Hash.prototype.words)
  work()
  const bytes = words().map(({ args }) => args[2])
  words.restore()
  return bytes.reduce((sum, length) => sum + length, 0)
}

t.test('creating or deleting a child costs the same, however large the parent', async (t) => {
  const costs = [257, 5000, 1_000_000].map((length) => {
    const world = new TreeWorld()
    const session = world.open()
    world.request(session, create('/parent', 'x'.repeat(length)))
    const of = (request: WriteRequest): number =>
      hashedBytes(t, () => t.not(world.request(session, request).type, 'error'))
    return {
      children: [of(create('/parent/a', 'child')), of(remove('/parent/a'))],
      acl: of({ type: 'setACL', path: '/parent', acl: openAcl, version: -1 }),
      beyondTheData: of(setData('/parent', 'y'.repeat(length))) - length,
    }
  })
  for (const cost of costs) t.same(cost, costs[0])
  for (const cost of costs[0]?.children ?? []) t.ok(cost > 0 && cost < 500, `${cost} bytes`)
})

t.test('servers of releases 0.2.0 and 0.3.0 have the same digest of the same tree', async (t) => {
  const world = new TreeWorld()
  const session = world.open()
  world.request(session, create('/a', 'x'.repeat(100)))
  world.request(session, create('/a/é', 'y'.repeat(257)))
  world.request(session, create('/a/日本', '', 'ephemeral'))
  world.request(session, create('/c', 'z', 'container'))
  world.request(session, setData('/a', 'w'))
  const acl = [{ perms: 31, scheme: 'digest', id: 'ann:é' }]
  world.request(session, { type: 'setACL', path: '/a/é', acl, version: -1 })
  world.request(session, remove('/c'))
  t.same(world.tree.digest, { high: 0, low: 3_323_517_225 })
})
