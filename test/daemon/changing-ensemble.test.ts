import t from 'tap'
import { changingEnsemble, nonVotersOf } from '../../src/daemon/changing-ensemble.ts'
import { formatAddresses } from '../../src/daemon/ensemble/peer-addresses.ts'
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
  const moves: string[] = []
  const changing = changingEnsemble({
    self: self as ServerId,
    members: parseMembers(textOf(1, 2)) ?? noMembers,
    tree,
    dynamicConfig: undefined,
    isStarting: () => isStarting,
    onMoved: ({ client, peers }) => {
      if (client !== undefined) moves.push(`clients ${client.host}:${client.port}`)
      if (peers !== undefined) moves.push(`peers ${formatAddresses(peers)}`)
    },
    logger,
  })
  return { changing, logger, moves, tree }
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

const withText = (text: string, version = 7) => ({
  version: version as Zxid,
  voters: [1, 2] as ServerId[],
  text,
})

t.test('a change moves this server to other ports and addresses', async (t) => {
  const { changing, moves } = ensembleOf(1, { isStarting: false })
  const others = `${textOf(2)}\nserver.1=`
  changing.committed(withText(`${others}other:1:9:participant;other:3`))
  t.same(moves, [], 'its file may name its host differently, and no server uses the election port')
  changing.committed(withText(`${others}other:1:9:observer;other:5`))
  t.same(moves.splice(0), ['clients other:5'])
  changing.committed(withText(`${others}other:4:9:participant;h1:5`))
  t.same(moves.splice(0), ['clients h1:5', 'peers other:4'])
  changing.committed(withText(`${others}other:4:9:participant`))
  changing.committed(withText(textOf(2)))
  t.same(moves, [], 'without a port, or removed, it stays where it is')
  changing.committed(withText(`${others}other:6:9:participant;h1:5`))
  t.same(moves, ['clients h1:5', 'peers other:6'], 'and the port is compared where it listens')
})

t.test('other ports than in its file: at a start they are those of the file', async (t) => {
  const moved = `${textOf(2)}\nserver.1=h1:1:2;5`
  const starting = ensembleOf(1, { isStarting: true })
  starting.changing.committed(withText(moved))
  t.same(starting.moves, [])
  const first = ensembleOf(1, { isStarting: false })
  first.changing.committed(withText(moved, 2 ** 32))
  t.same(first.moves, [], 'and in the first configuration, which is of the files of another server')
  const late = ensembleOf(1, { isStarting: false })
  late.changing.committed(withText(moved))
  t.same(late.moves, ['clients undefined:5'], 'a change that happened while it was down')
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
