import t from 'tap'
import { type FoundData, ZnodeReads } from '../../../src/broker/cluster/znode-reads.ts'
import { errorCodes, ZkError } from '../../../src/protocol/error-codes.ts'
import type { ReadOp, ReadResult } from '../../../src/protocol/zk/messages.ts'
import { Turn } from '../../../src/turn.ts'
import { settled } from '../../virtual-clock.ts'

const stat = {
  czxid: 1,
  mzxid: 1,
  ctime: 0,
  mtime: 0,
  version: 0,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0,
  dataLength: 1,
  numChildren: 0,
  pzxid: 1,
} as never

const isNone = { type: 'error', code: errorCodes.NONODE } as const

function holding(text: string): FoundData & { readonly type: 'getData' } {
  return { type: 'getData', data: Buffer.from(text), stat }
}

/** Requests are answered when, and with what, a test says. */
class Server {
  readonly multis: { paths: string[]; answer: (results: readonly ReadResult[]) => void }[] = []
  readonly singles: {
    path: string
    answer: (data: FoundData) => void
    refuse: (error: Error) => void
  }[] = []

  multiRead(ops: readonly ReadOp[]): Promise<readonly ReadResult[]> {
    const paths = ops.map(({ path }) => path)
    return new Promise((answer) => this.multis.push({ paths, answer }))
  }

  getData(path: string): Promise<FoundData> {
    return new Promise((answer, refuse) => this.singles.push({ path, answer, refuse }))
  }
}

function world() {
  const server = new Server()
  const reads = new ZnodeReads({ zk: server as never, turn: new Turn(setImmediate) })
  const seen: string[] = []
  /** Notes the answer when it is handed out. */
  const note = (name: string, read: Promise<FoundData | undefined>) =>
    read.then(
      (found) => seen.push(`${name} ${found?.data ?? 'none'}`),
      (error: Error) => seen.push(`${name} failed: ${error.message}`),
    )
  return { server, reads, seen, note }
}

t.test('the reads of one turn share a request', async (t) => {
  const { server, reads, seen, note } = world()
  for (const path of ['/a', '/b']) void note(path, reads.read(path))
  await settled()
  t.same(
    server.multis.map(({ paths }) => paths),
    [['/a', '/b']],
  )
  server.multis[0]?.answer([holding('1'), isNone])
  await settled()
  t.same(seen, ['/a 1', '/b none'])
})

t.test('250 reads are three requests, all of which are in flight', async (t) => {
  const { server, reads } = world()
  for (let i = 0; i < 250; i++) void reads.read(`/${i}`)
  await settled()
  t.same(
    server.multis.map(({ paths }) => paths.length),
    [100, 100, 50],
  )
})

t.test('answers are handed out in the order of the requests, whatever their kind', async (t) => {
  const { server, reads, seen, note } = world()
  for (const path of ['/a', '/b']) void note(path, reads.read(path))
  await settled()
  void note('/a again', reads.readNow('/a'))
  server.singles[0]?.answer(holding('new'))
  await settled()
  t.same(seen, [], 'the second answer waits for the first')
  server.multis[0]?.answer([isNone, isNone])
  await settled()
  t.same(seen, ['/a none', '/b none', '/a again new'])
})

t.test('what did not fit into a shared answer is read alone', async (t) => {
  const { server, reads, seen, note } = world()
  for (const path of ['/a', '/b']) void note(path, reads.read(path))
  await settled()
  server.multis[0]?.answer([{ type: 'error', code: errorCodes.RUNTIMEINCONSISTENCY }, isNone])
  await settled()
  t.same(
    server.singles.map(({ path }) => path),
    ['/a'],
  )
  server.singles[0]?.answer(holding('large'))
  await settled()
  t.same(seen, ['/a large', '/b none'])
})

t.test('a read that fails concerns no other request', async (t) => {
  const { server, reads, seen, note } = world()
  void note('first', reads.readNow('/a'))
  void note('second', reads.readNow('/b'))
  server.singles[1]?.answer(holding('2'))
  server.singles[0]?.refuse(new ZkError('CONNECTIONLOSS', '/a', 'the connection is lost'))
  await settled()
  t.same(seen, ['first failed: the connection is lost', 'second 2'])
})
