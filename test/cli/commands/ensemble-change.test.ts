// The steps of adding and removing a server, with an ensemble that only keeps its configuration.

import t from 'tap'
import {
  addServer,
  type ChangeParts,
  removeServer,
} from '../../../src/cli/commands/ensemble-change.ts'
import { parseEnsembleConfig, parseServerLine } from '../../../src/cli/commands/ensemble-plan.ts'
import type { ServerHealth } from '../../../src/cli/four-letter-word.ts'
import { ZkError } from '../../../src/client/zk/zk-client.ts'
import type { Stat } from '../../../src/protocol/records.ts'
import type { QuorumServer } from '../../../src/protocol/zk/quorum-server.ts'

const line = (id: number, role = 'participant') =>
  `server.${id}=h${id}:2888:3888:${role};0.0.0.0:${2180 + id}`
const working = (role: ServerHealth['role'], zxid = '0x100000009') => ({ role, zxid })
const lost = { role: 'lost', zxid: undefined } as const

class FakeEnsemble {
  lines = [line(1), line(2), line(3)]
  version = 0x1_0000_0000
  readonly asked: object[] = []
  readonly told: string[] = []
  /** what a server answers, one after the other as time passes */
  readonly health = new Map<number, readonly ServerHealth[]>([
    [1, [working('leader')]],
    [2, [working('follower')]],
    [3, [working('follower')]],
  ])
  refusal: ConstructorParameters<typeof ZkError>[0] | undefined
  nowMs = 0

  get #text(): string {
    return [...this.lines, `version=${this.version.toString(16)}`].join('\n')
  }

  readonly parts: ChangeParts = {
    zk: {
      getConfig: async () => ({ data: Buffer.from(this.#text), stat: {} as Stat }),
      reconfig: async (change) => {
        this.asked.push(change)
        if (this.refusal !== undefined) throw new ZkError(this.refusal, undefined, 'refused')
        const { joining, leaving } = change
        const id = leaving ?? /^server\.(\d+)/.exec(joining ?? '')?.[1]
        this.lines = this.lines.filter((each) => !each.startsWith(`server.${id}=`))
        if (joining !== undefined) this.lines.push(joining)
        this.version++
        return { data: Buffer.from(this.#text), stat: {} as Stat }
      },
    },
    health: async ({ port }) => {
      const answers = this.health.get(port - 2180) ?? []
      return answers[Math.round(this.nowMs / 250)] ?? answers.at(-1) ?? lost
    },
    tell: (text) => this.told.push(text),
    nowMs: () => this.nowMs,
    sleep: async (ms) => {
      this.nowMs += ms
    },
    timeoutMs: 3000,
  }
}

function server(text: string): QuorumServer {
  const read = parseServerLine(text)
  if (typeof read === 'string') throw new Error(read)
  return read
}

t.test('a server observes, catches up, and votes then', async (t) => {
  const ensemble = new FakeEnsemble()
  ensemble.health.set(4, [
    lost,
    working('looking'),
    working('observer', '0x100000001'),
    working('observer', '0x100000009'),
  ])
  const config = await addServer(server(line(4)), ensemble.parts)
  t.same(ensemble.asked, [
    { joining: line(4, 'observer'), version: 0x1_0000_0000 },
    { joining: line(4), version: 0x1_0000_0001 },
  ])
  t.same(
    config,
    parseEnsembleConfig(`${[1, 2, 3, 4].map((id) => line(id)).join('\n')}\nversion=100000002`),
  )
  t.same(ensemble.told, [
    'Server 4 is an observer of the ensemble.',
    'Waiting: server 4 at h4:2184 does not answer.',
    'Waiting: server 4 at h4:2184 is looking for a leader.',
    'Waiting: server 4 at h4:2184 is at 0x100000001, the leader at 0x100000009: 8 transactions behind.',
    'Server 4 votes.',
    '4 voters survive the loss of 1, as 3 do: an odd number is better.',
  ])
})

t.test('an observer that is there already only has to catch up', async (t) => {
  const ensemble = new FakeEnsemble()
  ensemble.lines.push(line(4, 'observer'))
  ensemble.health.set(4, [working('observer')])
  await addServer(server(line(4)), ensemble.parts)
  t.same(ensemble.asked, [{ joining: line(4), version: 0x1_0000_0000 }])
  ensemble.asked.length = 0
  await addServer(server(line(4)), ensemble.parts)
  t.same(ensemble.asked, [], 'a voter votes')
})

t.test('an observer stays one', async (t) => {
  const ensemble = new FakeEnsemble()
  ensemble.health.set(4, [working('observer')])
  await addServer(server(line(4, 'observer')), ensemble.parts)
  t.same(ensemble.asked, [{ joining: line(4, 'observer'), version: 0x1_0000_0000 }])
})

t.test(
  'a server that does not come is left an observer, and it is said how to go on',
  async (t) => {
    const ensemble = new FakeEnsemble()
    await t.rejects(addServer(server(line(4)), ensemble.parts), {
      message: /after 3 s, server 4 at h4:2184 does not answer. It stays an observer: .*remove 4$/,
    })
    t.equal(ensemble.asked.length, 1)
  },
)

t.test('a vote that the others could not do without is not given', async (t) => {
  const ensemble = new FakeEnsemble()
  ensemble.lines.push(line(5))
  for (const id of [2, 5]) ensemble.health.set(id, [lost])
  ensemble.health.set(4, [working('observer')])
  await addServer(server(line(4)), ensemble.parts)
  t.ok(ensemble.told.some((text) => text.startsWith('None of the 5 voters may fail now')))

  const other = new FakeEnsemble()
  for (const id of [2, 3]) other.health.set(id, [lost])
  other.health.set(4, [working('observer')])
  await t.rejects(addServer(server(line(4)), other.parts), {
    message: /of 4 voters, 3 have to work, and server 2 .*; server 3 .*It stays an observer/,
  })
  t.equal(other.asked.length, 1)
})

t.test('a server is removed unless the others are too few', async (t) => {
  const ensemble = new FakeEnsemble()
  const { servers } = await removeServer(1, ensemble.parts)
  t.same(
    servers.map(({ id }) => id),
    [2, 3],
  )
  t.match(ensemble.told, [/hands leadership over first/, /until it is stopped/, /None of the 2/])
  ensemble.health.set(2, [lost])
  await t.rejects(removeServer(3, ensemble.parts), {
    message: /server 2 at h2:2182 does not answer/,
  })
  t.equal(ensemble.asked.length, 1)
})

for (const [code, says] of [
  ['RECONFIGDISABLED', /reconfigEnabled=true/],
  ['BADVERSION', /same command again/],
  ['NEWCONFIGNOQUORUM', /zw status shows them/],
  ['RECONFIGINPROGRESS', /another change/],
  ['BADARGUMENTS', /standaloneEnabled/],
  ['CONNECTIONLOSS', /zw shell config/],
] as const) {
  t.test(`a refusal says what to do: ${code}`, async (t) => {
    const ensemble = new FakeEnsemble()
    ensemble.refusal = code
    await t.rejects(addServer(server(line(4)), ensemble.parts), { message: says })
    await t.rejects(removeServer(2, ensemble.parts), { message: says })
  })
}

t.test('a server that stands alone has no ensemble to change', async (t) => {
  const ensemble = new FakeEnsemble()
  ensemble.lines = []
  await t.rejects(addServer(server(line(4)), ensemble.parts), { message: /stands alone/ })
})
