import t from 'tap'
import { pipeline, refuseErrors } from '../../bench/pipeline.ts'
import { RawConnection } from '../../bench/raw-connection.ts'
import { fillTree, treePath } from '../../bench/workloads/fill-tree.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import { startResponder, works } from './responder.ts'

const options = { timeoutMs: 30_000, failed: () => undefined }

t.test(
  'a pipeline keeps as many on the way as it may, and names the request of each answer',
  async (t) => {
    const { address, stop } = await startResponder((request, xid) =>
      request.type === 'getData' && request.path === '/7'
        ? { xid, body: { type: 'error', code: errorCodes.NONODE } }
        : works(request, xid),
    )
    t.teardown(stop)
    const connection = await RawConnection.connect(address, options)
    const reads = () =>
      Array.from({ length: 50 }, (_, i) => {
        return { type: 'getData', path: `/${i}`, watch: false } as const
      }).values()
    const failed: number[] = []
    let [most, count] = [0, 0]
    await pipeline(connection, reads(), {
      outstanding: 4,
      answered: (err, index) => {
        most = Math.max(most, connection.outstanding)
        count++
        if (err !== 0) failed.push(index)
      },
    })
    t.same([most, count, failed], [3, 50, [7]], 'the one just answered is not among them')
    const refused = pipeline(connection, reads(), { outstanding: 4, answered: refuseErrors })
    await t.rejects(refused, /error -101/)
    connection.close()
  },
)

t.test('a tree is filled under its parents, each znode once, and grows', async (t) => {
  const { address, requests, stop } = await startResponder()
  t.teardown(stop)
  const tree = { protocol: 'jute', valueBytes: 1 } as const
  await fillTree([address], { ...tree, from: 0, to: 1500 })
  const paths = () => requests.flatMap((one) => (one.type === 'create' ? one.path : []))
  t.equal(paths().length, 1500 + 3)
  await fillTree([address], { ...tree, from: 1500, to: 2500 })
  const wanted = Array.from({ length: 2500 }, (_, i) => treePath(i))
  t.same(
    paths()
      .filter((path) => /n\d+$/.test(path))
      .toSorted(),
    wanted.toSorted(),
  )
  const parents = paths().filter((path) => /\/d\d+$/.test(path))
  t.equal(parents.length, 3, 'a parent that is there is not made again')
})
