import t from 'tap'
import { changingEnsemble, nonVotersOf } from '../../src/daemon/changing-ensemble.ts'
import { noMembers, parseMembers } from '../../src/daemon/membership/membership.ts'
import { ZTree } from '../../src/daemon/ztree/ztree.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import type { Zxid } from '../../src/protocol/zxid.ts'
import { RecordingLogger } from '../recording-logger.ts'

const line = (id: number, role = 'participant') => `server.${id}=h${id}:1:2:${role};c:3`
const textOf = (...ids: number[]) => ids.map((id) => line(id)).join('\n')

function ensembleOf(self: number, { isStarting }: { readonly isStarting: boolean }) {
  const logger = new RecordingLogger()
  const tree = new ZTree()
  const changing = changingEnsemble({
    self: self as ServerId,
    members: parseMembers(textOf(1, 2)) ?? noMembers,
    tree,
    dynamicConfig: undefined,
    isStarting: () => isStarting,
    logger,
  })
  return { changing, logger, tree }
}

const committed = (...ids: number[]) => ({
  version: 7 as Zxid,
  voters: ids as ServerId[],
  text: textOf(...ids),
})

const starts = [
  { name: 'the files agree', log: [1, 2], isStarting: true, want: [] },
  { name: 'others in the files', log: [1, 3], isStarting: true, want: [/list that it agreed on/] },
  {
    name: 'it was removed',
    log: [2, 3],
    isStarting: true,
    want: [/no such server: .*zw ensemble/],
  },
  { name: 'a change while it runs', log: [1, 3], isStarting: false, want: [] },
]
for (const { name, log, isStarting, want } of starts) {
  t.test(`files and log: ${name}`, async (t) => {
    const { changing, logger } = ensembleOf(1, { isStarting })
    changing.committed(committed(...log))
    t.match(logger.said('warn'), want)
    t.equal(logger.lines.length, want.length)
    if (want.length > 0) t.match(logger.lines[0]?.fields, { files: textOf(1, 2).split('\n') })
  })
}

t.test('ports that a change gives this server count after a restart, and it says so', async (t) => {
  const { changing, logger } = ensembleOf(1, { isStarting: false })
  changing.committed(committed(1, 2, 3))
  const renamed = textOf(1, 2).replaceAll('h1', 'other')
  changing.committed(Object.assign(committed(1, 2), { text: renamed }))
  t.same(logger.said('warn'), [], 'a host may have several names')
  const moved = Object.assign(committed(1), { text: `${textOf(2)}\nserver.1=h1:1:2:observer;5` })
  changing.committed(moved)
  t.match(logger.said('warn'), [/ports of this server have changed/])
  changing.committed(moved)
  t.equal(logger.said('warn').length, 1, 'once')
})

t.test('what the ensemble agreed on is what clients see', async (t) => {
  const { changing, tree } = ensembleOf(1, { isStarting: false })
  changing.agreed(committed(1, 2))
  const znode = tree.get('/zookeeper/config')
  t.ok(znode)
  if (znode !== undefined) {
    t.equal(Buffer.from(tree.data(znode) ?? '').toString(), `${textOf(1, 2)}\nversion=7`)
  }
})

t.test('observers and servers without weight do not vote, and all are reached', async (t) => {
  const text = [line(1), line(2), line(3, 'observer'), 'group.1=1:2', 'weight.2=0'].join('\n')
  t.same(nonVotersOf(parseMembers(text) ?? noMembers), [2, 3])
  const { changing } = ensembleOf(1, { isStarting: false })
  t.same(changing.serversIn(text), [
    { id: 1, addresses: [{ host: 'h1', port: 1 }], observes: false },
    { id: 2, addresses: [{ host: 'h2', port: 1 }], observes: true },
    { id: 3, addresses: [{ host: 'h3', port: 1 }], observes: true },
  ])
})
