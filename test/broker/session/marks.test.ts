import t from 'tap'
import { decodeMark, type Mark, noMark } from '../../../src/broker/cluster/identity.ts'
import { zkPaths } from '../../../src/broker/cluster/zk-paths.ts'
import { type MarkedDirectory, Marks } from '../../../src/broker/session/marks.ts'
import { makeSharedNodes } from '../../../src/broker/session/registration.ts'
import type { ZkClient } from '../../../src/client/zk/zk-client.ts'
import { silentLogger } from '../../../src/logger.ts'
import { ZkError } from '../../../src/protocol/error-codes.ts'
import type { DirectoryId } from '../../../src/protocol/mq/messages.ts'
import { worldTest } from '../broker-world.ts'

class Directory implements MarkedDirectory {
  readonly path = 'memory'
  directoryId = 'd1' as DirectoryId
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

const marksOf = (zk: ZkClient, directory: Directory) =>
  new Marks({ zk, directory, log: silentLogger })

worldTest(
  t,
  'an old copy of a directory takes a new identity',
  { brokers: 0 },
  async (t, world) => {
    const zk = await world.zk()
    await makeSharedNodes(zk)
    const directory = new Directory()
    const marks = marksOf(zk, directory)
    await marks.check()
    const copies = [directory.copy()]
    await marks.raise(5)
    copies.push(directory.copy())
    await marks.raise(5)
    copies.push(directory.copy())
    await marks.raise(9)
    t.same(decodeMark((await zk.getData(zkPaths.mark(directory.directoryId))).data), directory.mark)
    await marks.check()
    t.equal(directory.directoryId, 'd1', 'the latest is what it says that it is')
    for (const copy of copies) {
      await marksOf(zk, copy).check()
      t.equal(copy.directoryId, 'new')
    }
  },
)

worldTest(
  t,
  'a directory that another copy of it has overtaken goes no further',
  { brokers: 0 },
  async (t, world) => {
    const zk = await world.zk()
    await makeSharedNodes(zk)
    const directory = new Directory()
    await marksOf(zk, directory).raise(5)
    const twin = directory.copy()
    await marksOf(zk, twin).raise(7)
    await t.rejects(marksOf(zk, directory).raise(5), { name: 'OldCopyError' })
    t.same(directory.mark, { life: 5, counter: 1 }, 'the directory comes first')
  },
)

worldTest(
  t,
  'a write whose answer was lost counts as made if it was',
  { brokers: 0 },
  async (t, world) => {
    const zk = await world.zk()
    await makeSharedNodes(zk)
    const directory = new Directory()
    const marks = marksOf(zk, directory)
    await marks.raise(5)
    const setData = zk.setData.bind(zk)
    for (const isMade of [true, false]) {
      let calls = 0
      zk.setData = async (...args) => {
        calls += 1
        if (calls > 1) return setData(...args)
        if (isMade) await setData(...args)
        throw new ZkError('CONNECTIONLOSS', undefined, 'the answer was lost')
      }
      await marks.raise(5)
      t.equal(calls, isMade ? 1 : 2)
      t.same(
        decodeMark((await zk.getData(zkPaths.mark(directory.directoryId))).data),
        directory.mark,
      )
    }
  },
)
