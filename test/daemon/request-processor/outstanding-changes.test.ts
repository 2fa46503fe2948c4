import t from 'tap'
import { OutstandingChanges } from '../../../src/daemon/request-processor/outstanding-changes.ts'
import { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { noSession, openAcl, type SessionId } from '../../../src/protocol/records.ts'
import { type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const ann = 11 as SessionId
const bob = 12 as SessionId

function create(changes: OutstandingChanges, path: string, owner = noSession): void {
  const parent = changes.find('/')
  if (parent === undefined) throw new Error('there is a root')
  changes.create(path, parent, { ephemeralOwner: owner, acl: openAcl, dataBytes: 3 })
}

function remove(changes: OutstandingChanges, path: string): void {
  const parent = changes.find('/')
  if (parent === undefined) throw new Error('there is a root')
  changes.delete(path, parent)
}

t.test('a change is seen at once, and gone when it is abandoned', async (t) => {
  const changes = new OutstandingChanges(new ZTree(), { countsQuotas: false })
  create(changes, '/a', ann)
  t.match(changes.find('/a'), { version: 0, ephemeralOwner: ann })
  t.match(changes.find('/'), { childCount: 2, createCount: 1 })
  changes.abandon()
  t.equal(changes.find('/a'), undefined)
  t.match(changes.find('/'), { childCount: 1, createCount: 0 })
  t.same(changes.ephemeralsOf(ann), [])
  t.equal(changes.pathCount, 0)
})

t.test('the latest record of a path counts, until the tree has applied it', async (t) => {
  const changes = new OutstandingChanges(new ZTree(), { countsQuotas: false })
  const setVersion = (version: number, zxid: number): void => {
    const root = changes.find('/')
    if (root === undefined) throw new Error('there is a root')
    changes.setData('/', root, { version, dataBytes: 7 })
    changes.commit(zxid as Zxid)
  }
  setVersion(1, 1)
  setVersion(2, 2)
  changes.applied(zxidZero)
  t.equal(changes.find('/')?.version, 2)
  changes.applied(1 as Zxid)
  t.equal(changes.find('/')?.version, 2)
  t.equal(changes.pathCount, 1)
  changes.applied(2 as Zxid)
  t.equal(changes.find('/')?.version, 0, 'now the tree has it')
  t.equal(changes.pathCount, 0)
})

t.test('an ephemeral belongs to the session that created it last', async (t) => {
  const changes = new OutstandingChanges(new ZTree(), { countsQuotas: false })
  create(changes, '/e', ann)
  create(changes, '/f', ann)
  changes.commit(1 as Zxid)
  t.same(changes.ephemeralsOf(ann), ['/e', '/f'])
  remove(changes, '/e')
  changes.commit(2 as Zxid)
  t.same(changes.ephemeralsOf(ann), ['/f'])
  create(changes, '/e', bob)
  changes.commit(3 as Zxid)
  t.same(changes.ephemeralsOf(ann), ['/f'])
  t.same(changes.ephemeralsOf(bob), ['/e'])
  changes.reset()
  t.same(changes.ephemeralsOf(bob), [])
  t.equal(changes.find('/e'), undefined)
})

t.test('thousands in flight: each is forgotten when it is applied', async (t) => {
  const changes = new OutstandingChanges(new ZTree(), { countsQuotas: false })
  const count = 10_000
  for (let i = 1; i <= count; i++) {
    create(changes, `/n${i}`)
    changes.commit(i as Zxid)
  }
  for (let i = 1; i <= count; i++) {
    changes.applied(i as Zxid)
    const left = count - i
    // The root's record is the last proposal's.
    if (changes.pathCount !== (left === 0 ? 0 : left + 1)) t.fail(`${changes.pathCount} after ${i}`)
    if (changes.find(`/n${i}`) !== undefined) t.fail(`/n${i} is still outstanding`)
    if (left > 0 && changes.find(`/n${i + 1}`) === undefined) t.fail(`/n${i + 1} is forgotten`)
  }
  t.equal(changes.pathCount, 0)
})
