import t from 'tap'
import { decodeMark, encodeMark, type Mark, noMark } from '../../../src/broker/cluster/identity.ts'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { type MarkedDirectory, Marks } from '../../../src/broker/session/marks.ts'
import type { DirectoryId } from '../../../src/protocol/mq/messages.ts'
import { RecordingLogger } from '../../recording-logger.ts'
import { MemoryTree } from '../memory-zk.ts'

const id = 'd1' as DirectoryId
const path = zkPaths.mark(id)

class Directory implements MarkedDirectory {
  readonly path = 'memory'
  directoryId: DirectoryId | undefined = id
  mark: Mark = noMark

  async takeNewIdentity(): Promise<void> {
    this.directoryId = 'new' as DirectoryId
  }

  async raise(mark: Mark): Promise<void> {
    this.mark = mark
  }

  copy(): Directory {
    return Object.assign(new Directory(), { directoryId: this.directoryId, mark: this.mark })
  }
}

function world() {
  const tree = MemoryTree.ofCluster()
  const zk = tree.session()
  const log = new RecordingLogger()
  const directory = new Directory()
  const marksOf = (directory: Directory) => new Marks({ zk, directory, log })
  const known = () => decodeMark(Buffer.from(tree.text(path) ?? ''))
  return { tree, zk, log, directory, marks: marksOf(directory), marksOf, known }
}

t.test('an old copy of a directory takes a new identity', async (t) => {
  const { directory, marks, marksOf, known, log } = world()
  await marks.check()
  const copies = [directory.copy()]
  await marks.raise(5)
  copies.push(directory.copy())
  await marks.raise(5)
  copies.push(directory.copy())
  await marks.raise(9)
  t.same(known(), directory.mark)
  await marks.check()
  t.equal(directory.directoryId, id, 'the latest copy keeps its identity')
  t.same(log.lines, [])
  for (const copy of copies) {
    await marksOf(copy).check()
    t.equal(copy.directoryId, 'new')
  }
  t.equal(log.said('error').length, copies.length)
})

t.test('the check sees every mark written before it', async (t) => {
  const { zk, directory, marks } = world()
  await marks.check()
  t.same(zk.made, [`sync ${zkPaths.marks}`, `getData ${path}`])
  zk.made.length = 0
  directory.directoryId = undefined
  await marks.check()
  await marks.raise(5)
  t.same(zk.made, [], 'a new directory has no identity yet')
})

t.test('a directory that another copy has overtaken stops', async (t) => {
  const { directory, marks, marksOf } = world()
  await marks.raise(5)
  const twin = directory.copy()
  await marksOf(twin).raise(7)
  await t.rejects(marks.raise(5), { name: 'OldCopyError' })
  t.same(directory.mark, { life: 5, counter: 1 }, 'the directory is written first')
})

t.test('the mark is in the directory before it is in ZooWeeper', async (t) => {
  const { zk, directory, marks, known } = world()
  await marks.raise(5)
  const stopped = zk.stopAt('request', 'setData')
  const raised = marks.raise(5)
  await stopped
  t.same([directory.mark.counter, known()?.counter], [1, 0])
  zk.resume()
  await raised
  t.same(known(), directory.mark)
})

t.test('of two copies that raise their marks at once, one stops', async (t) => {
  const { tree, zk, directory, marks } = world()
  await marks.raise(5)
  const stopped = zk.stopAt('request', 'setData')
  const raised = t.rejects(marks.raise(5), { name: 'OldCopyError' })
  await stopped
  tree.put(path, encodeMark({ life: 5, counter: 2 }))
  zk.resume()
  await raised
  t.same(directory.mark, { life: 5, counter: 1 })
})

for (const name of ['create', 'setData'] as const) {
  for (const at of ['request', 'answer'] as const) {
    t.test(`a ${name} that is lost at its ${at} is there in the end`, async (t) => {
      const { zk, directory, marks, known } = world()
      if (name === 'setData') await marks.raise(5)
      const stopped = zk.stopAt(at, name)
      const raised = marks.raise(5)
      await stopped
      zk.disconnect()
      zk.reconnect()
      await raised
      t.same(known(), directory.mark)
    })
  }
}

t.test('a malformed mark is written again', async (t) => {
  for (const text of ['', '{}', '{"version":1,"life":-1,"counter":0}', '{"version":2}']) {
    const { tree, directory, marks, known } = world()
    tree.put(path, text)
    await marks.check()
    t.equal(directory.directoryId, id)
    await marks.raise(5)
    t.same(known(), { life: 5, counter: 0 })
  }
})

t.test('a mark that is removed meanwhile is created again', async (t) => {
  const { tree, zk, marks, known } = world()
  await marks.raise(5)
  const stopped = zk.stopAt('request', 'setData')
  const raised = marks.raise(5)
  await stopped
  tree.delete(path, -1)
  zk.resume()
  await raised
  t.same(known(), { life: 5, counter: 1 })
})

t.test('without a session no mark is raised, and the caller gets the error', async (t) => {
  const { zk, marks } = world()
  zk.expire()
  await t.rejects(marks.raise(5), { code: 'SESSIONEXPIRED' })
  await t.rejects(marks.check(), { code: 'SESSIONEXPIRED' })
})
