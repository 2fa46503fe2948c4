import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SnapshotArrival, SnapshotSender } from '../../../src/daemon/ensemble/snapshot-transfer.ts'
import { realServerDisk } from '../../../src/daemon/storage/real-disk.ts'
import { SnapshotError } from '../../../src/daemon/storage/snapshots.ts'
import { assertNew, type Expected, Storage } from '../../../src/daemon/storage/storage.ts'
import { encodeEntries } from '../../../src/daemon/storage/tree-entries.ts'
import type { PeerMessage } from '../../../src/protocol/peer/messages.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { realWorld } from '../../../src/real-world.ts'
import { create, image, setData, TreeWorld } from '../tree-world.ts'
import { entriesOf } from './piece.ts'

const onFailure = (error: unknown): never => {
  throw error
}

const fresh: Expected = {
  treeDir: 'tree',
  logDir: 'log',
  logBaseZxid: zxidZero,
  acceptedEpoch: 1,
  currentEpoch: 0,
}

function open(dataDir: string, expected = fresh): Promise<Storage> {
  mkdirSync(dataDir, { recursive: true })
  const { clock, turn } = realWorld()
  const log = { segmentBytes: 4096, onDurable: () => undefined, onFailure }
  return Storage.open(
    { disk: realServerDisk(dataDir), store: { clock, turn, onFailure }, log },
    expected,
  )
}

/** A tree of several thousand znodes; its log stays empty. */
async function filled(dataDir: string): Promise<{ storage: Storage; world: TreeWorld }> {
  const storage = await open(dataDir)
  const world = new TreeWorld(storage.tree)
  const session = world.open()
  world.request(session, create('/ä', 'ü'))
  world.request(session, create('/ä/passing', '', 'ephemeral'))
  for (let i = 0; i < 5000; i++) world.request(session, create(`/ä/${i}`, `${i}`.repeat(40)))
  return { storage, world }
}

const trees = (dataDir: string): string[] =>
  readdirSync(dataDir).filter((name) => /^(tree|log)/.test(name))

/** Carries pieces from one to the other; `spoil` changes or drops them. */
function carry(
  from: Storage,
  to: Storage,
  spoil: (message: PeerMessage) => PeerMessage | undefined = (message) => message,
): Promise<{ zxid: Zxid; arrival: SnapshotArrival; piecesMax: number }> {
  return new Promise((resolve, reject) => {
    let waiting = 0
    let piecesMax = 0
    const arrival = new SnapshotArrival(to, {
      taken: (count) => {
        waiting--
        sender.taken(count)
      },
      received: (zxid) => resolve({ zxid, arrival, piecesMax }),
      refused: (error) => {
        arrival.abort()
        reject(error)
      },
      onFailure: reject,
    })
    const resume = (): void => {
      for (;;) {
        const message = sender.next()
        if (message === undefined || message === 'later') return
        const sent = spoil(message)
        if (sent?.type !== 'SNAPCHUNK' && sent?.type !== 'SNAPEND') continue
        if (sent.type === 'SNAPCHUNK') piecesMax = Math.max(piecesMax, ++waiting)
        arrival.take(sent)
      }
    }
    const sender = new SnapshotSender(from, { resume, ended: () => undefined, onFailure: reject })
  })
}

t.test('entries go through bytes unchanged, and cut bytes are refused', async (t) => {
  const entries = [
    ['#', '\x00\xff'],
    ['/日本', ''],
    ['/a', 'ü'.repeat(300)],
  ] as const
  const bytes = encodeEntries(entries)
  t.same(entriesOf(bytes), entries)
  for (const end of [1, 5, 8, bytes.length - 1]) {
    t.throws(() => entriesOf(bytes.subarray(0, end)), SnapshotError)
  }
})

t.test('a tree is read at one zxid while it changes, and installed in one step', async (t) => {
  const dir = t.testdir()
  const leader = await filled(join(dir, 'leader'))
  const learner = await open(join(dir, 'learner'))
  const { tree } = learner
  new TreeWorld(tree).open()
  const wanted = image(leader.storage.tree)
  const carried = carry(leader.storage, learner, (message) => {
    leader.world.request(leader.world.open(), setData('/ä', 'changed meanwhile'))
    return message
  })
  leader.storage.wake()
  const { zxid, arrival } = await carried
  t.not(tree.nodeCount, leader.storage.tree.nodeCount, 'the tree in force is unchanged')
  t.same(trees(join(dir, 'learner')).sort(), ['log', 'log-1', 'tree', 'tree-1'])
  cpSync(join(dir, 'learner'), join(dir, 'crashed'), { recursive: true })

  const log = await arrival.install()
  t.equal(learner.tree, tree, 'the tree object stays the same')
  t.same(image(tree), wanted)
  t.equal(log.lastZxid, zxid)
  t.equal(learner.log, log)
  t.same(trees(join(dir, 'learner')), ['log-1', 'tree-1'])
  const world = new TreeWorld(tree)
  world.request(world.open(), setData('/ä', 'after'))
  await learner.close()
  await leader.storage.close()

  const again = await open(join(dir, 'learner'), {
    ...fresh,
    treeDir: 'tree-1',
    logDir: 'log-1',
    logBaseZxid: zxid,
  }).catch((error: unknown) => error)
  t.match(again, { name: 'LogDamagedError' }, 'the tree was written on; its log, here, was not')

  const crashed = await open(join(dir, 'crashed'))
  t.equal(crashed.tree.get('/ä'), undefined, 'before meta names it, it is not used')
  t.same(trees(join(dir, 'crashed')), ['log', 'tree'])
  await crashed.close()
})

t.test('neither end holds more than a few pieces', async (t) => {
  const dir = t.testdir()
  const leader = await open(join(dir, 'leader'))
  const world = new TreeWorld(leader.tree)
  const session = world.open()
  const large = 'x'.repeat(900_000)
  for (let i = 0; i < 40; i++) world.request(session, create(`/${i}`, large))
  const learner = await open(join(dir, 'learner'))
  const { piecesMax, arrival } = await carry(leader, learner)
  t.ok(piecesMax > 1 && piecesMax <= 8, `${piecesMax} pieces`)
  arrival.abort()
  await leader.close()
  await learner.close()
})

const spoils: readonly {
  name: string
  spoil: (message: PeerMessage) => PeerMessage | undefined
}[] = [
  {
    name: 'a lost piece',
    spoil: (message) =>
      message.type === 'SNAPCHUNK' && message.bytes.length < 5e5 ? undefined : message,
  },
  {
    name: 'a flipped bit',
    spoil: (message) => {
      if (message.type === 'SNAPCHUNK') message.bytes[100] = (message.bytes[100] ?? 0) ^ 1
      return message
    },
  },
  {
    name: 'another zxid',
    spoil: (message) =>
      message.type === 'SNAPEND' ? { ...message, zxid: (message.zxid + 1) as Zxid } : message,
  },
  {
    name: 'another count',
    spoil: (message) =>
      message.type === 'SNAPEND' ? { ...message, count: message.count + 1 } : message,
  },
]
for (const { name, spoil } of spoils) {
  t.test(`${name} is refused, and nothing of it is left`, async (t) => {
    const dir = t.testdir()
    const { storage: leader } = await filled(join(dir, 'leader'))
    const learner = await open(join(dir, 'learner'))
    await t.rejects(carry(leader, learner, spoil), SnapshotError)
    const whole = await carry(leader, learner)
    await whole.arrival.install()
    t.same(image(learner.tree), image(leader.tree), 'the next one is taken')
    await leader.close()
    await learner.close()
  })
}

t.test('directories that meta does not name are removed at start, and no others', async (t) => {
  const dataDir = t.testdir({ 'tree-3': { x: '' }, 'log-3': {}, 'tree-new': {}, myid: '1' })
  writeFileSync(join(dataDir, 'meta'), '')
  const storage = await open(dataDir)
  t.same(readdirSync(dataDir).sort(), ['log', 'meta', 'myid', 'tree', 'tree-new'])
  await storage.close()
})

t.test('files that do not match are refused by name', async (t) => {
  const dataDir = join(t.testdir(), 'data')
  const storage = await open(dataDir)
  storage.log.append({
    first: makeZxid({ epoch: 3, counter: 1 }),
    count: 1,
    bytes: Buffer.from([0, 0, 0, 1, 7]),
  })
  await storage.close()
  const refused = async (name: string, expected: Expected, says: RegExp): Promise<void> => {
    const file = join(dataDir, name)
    await t.rejects(open(dataDir, expected), { name: 'RecoveryError', file, message: says }, name)
  }
  const used = { ...fresh, acceptedEpoch: 3, currentEpoch: 3 }
  await refused('log', { ...used, acceptedEpoch: 2, currentEpoch: 2 }, /0x300000001.*epoch 2/)
  await refused('log-1', { ...used, logDir: 'log-1' }, /missing/)
  await refused('tree-1', { ...used, treeDir: 'tree-1' }, /missing/)
  t.throws(() => assertNew(realServerDisk(dataDir)), {
    name: 'RecoveryError',
    file: join(dataDir, 'meta'),
  })
  t.same(trees(dataDir), ['log', 'tree'], 'and nothing was removed')
  const older = { ...used, logBaseZxid: makeZxid({ epoch: 2, counter: 9 }) }
  await t.rejects(open(dataDir, older), { name: 'LogDamagedError' }, 'a tree older than the log')
  const again = await open(dataDir, used)
  t.same(again.epochs, [{ epoch: 3, firstCounter: 1, lastCounter: 1 }])
  await again.close()
})
