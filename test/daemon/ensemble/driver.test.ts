// Three real drivers over loopback TCP with real logs and meta files, without trees.

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Address } from '../../../src/address.ts'
import { EnsembleDriver } from '../../../src/daemon/ensemble/driver.ts'
import type { EnsembleListener, EnsembleRole } from '../../../src/daemon/ensemble/ensemble.ts'
import { loadMeta, type Meta, MetaFile } from '../../../src/daemon/ensemble/meta.ts'
import { openTxnLog, type TxnLog } from '../../../src/daemon/storage/txn-log.ts'
import type { ZabTiming } from '../../../src/daemon/zab/types.ts'
import { limits } from '../../../src/limits.ts'
import { silentLogger } from '../../../src/logger.ts'
import { encodePeerMessage } from '../../../src/protocol/peer/codec.ts'
import { encodeGreeting, peerVersions } from '../../../src/protocol/peer/hello.ts'
import { IdentitiesCodec } from '../../../src/protocol/peer/identities.ts'
import type {
  LeaderMessage,
  LearnerMessage,
  PeerMessage,
} from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { epochMax, makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { realDisk } from '../../../src/real-disk.ts'
import { realWorld } from '../../../src/real-world.ts'

const timing: ZabTiming = {
  pingMs: 50,
  leaderTimeoutMs: 2000,
  discoveryTimeoutMs: 4000,
  syncTimeoutMs: 5000,
  quietMs: 30,
  renotifyMs: 100,
  renotifyMaxMs: 1000,
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer()
          server.listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

class Member implements EnsembleListener {
  readonly id: ServerId
  readonly #dataDir: string
  servers: ReadonlyMap<ServerId, Address>
  readonly #changed: () => void
  handoverAt: number | undefined
  driver!: EnsembleDriver
  #log!: TxnLog
  role: EnsembleRole = { type: 'looking' }
  delivered: string[] = []
  readonly learnerMessages: LearnerMessage[] = []
  readonly leaderMessages: LeaderMessage[] = []
  failure: Error | undefined
  /** How long this process has stood still so far, by its clock. */
  stoodStillMs = 0
  resumedCount = 0
  roleChanges = 0
  /** the reasons of refusals, given and received */
  readonly refusals: string[] = []
  onLearnerMessage: (message: LearnerMessage) => void = () => undefined
  onRole: (role: EnsembleRole) => void = () => undefined

  constructor(
    id: ServerId,
    dataDir: string,
    servers: ReadonlyMap<ServerId, Address>,
    changed: () => void,
  ) {
    this.id = id
    this.#dataDir = dataDir
    this.servers = servers
    this.#changed = changed
  }

  async start(): Promise<void> {
    const { transport, turn, clock } = realWorld()
    const disk = realDisk(this.#dataDir)
    const meta: Meta = loadMeta(disk.openFiles()) ?? {
      serverId: this.id,
      ensembleId: null,
      initialised: false,
      acceptedEpoch: 0,
      currentEpoch: 0,
      treeDir: 'tree',
      logDir: 'log',
      logBaseZxid: zxidZero,
      config: null,
    }
    const onFailure = (error: Error): void => {
      this.failure = error
      this.#changed()
    }
    const opened = openTxnLog({
      directory: disk.openLog('log'),
      segmentBytes: 64 * 1024,
      baseZxid: zxidZero,
      lastApplied: zxidZero,
      onDurable: (zxid) => this.driver.logged(zxid),
      onFailure,
    })
    this.#log = opened.log
    this.delivered = []
    this.driver = new EnsembleDriver({
      self: this.id,
      instance: randomInt(2 ** 47),
      release: '1.2.3',
      servers: new Map([...this.servers].map(([id, address]) => [id, [address]])),
      meta,
      metaFile: new MetaFile(disk.openFiles()),
      txnLog: opened.log,
      logged: opened.epochs,
      lastApplied: zxidZero,
      // Their logs are never purged, so there is no tree to be sent.
      snapshots: {
        read: () => Promise.reject(new Error('There is no tree')),
        receive: () => Promise.reject(new Error('There is no tree')),
      },
      timing,
      ...(this.handoverAt === undefined ? {} : { handoverAt: this.handoverAt }),
      newEnsembleId: `made by ${this.id}`,
      transport,
      turn,
      clock: { ...clock, nowMs: () => clock.nowMs() + this.stoodStillMs },
      logger: {
        ...silentLogger,
        child: () => silentLogger,
        warn: ({ reason }) => {
          this.refusals.push(`${reason}`)
          this.#changed()
        },
      },
      onFailure,
    })
    await this.driver.start(this)
  }

  async stop(): Promise<void> {
    await this.driver.stop()
    this.role = { type: 'looking' }
    await new Promise<void>((resolve) => this.#log.close(resolve))
  }

  propose(...payloads: string[]): void {
    for (const payload of payloads) {
      this.driver.propose(this.driver.nextZxid(), Buffer.from(payload))
    }
  }

  deliver(_zxid: Zxid, payload: Buffer): void {
    this.delivered.push(payload.toString())
    this.#changed()
  }

  roleChanged(role: EnsembleRole): void {
    this.onRole(role)
    this.role = role
    this.roleChanges++
    this.#changed()
  }

  fromLearner(_learner: ServerId, message: LearnerMessage): void {
    this.learnerMessages.push(message)
    this.onLearnerMessage(message)
    this.#changed()
  }

  fromLeader(message: LeaderMessage): void {
    this.leaderMessages.push(message)
    this.#changed()
  }

  activate(): void {
    throw new Error('no configuration was proposed')
  }

  resumed(): void {
    this.resumedCount++
    this.#changed()
  }
}

/** Waits for conditions on the members' state. */
class Events {
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = []

  readonly changed = (): void => {
    const due = this.#waiting.filter(({ holds }) => holds())
    this.#waiting = this.#waiting.filter((wait) => !due.includes(wait))
    for (const { resolve } of due) resolve()
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ holds, resolve }))
  }
}

async function ensemble(t: Test, count: number): Promise<{ members: Member[]; events: Events }> {
  const ports = await freePorts(count)
  const servers = new Map(
    ports.map((port, i) => [(i + 1) as ServerId, { host: '127.0.0.1', port }] as const),
  )
  const events = new Events()
  const directory = t.testdir()
  const members = [...servers.keys()].map(
    (id) => new Member(id, join(directory, `${id}`), servers, events.changed),
  )
  return { members, events }
}

const leaderOf = (members: readonly Member[]): Member | undefined =>
  members.find((member) => member.role.type === 'leading')

function settled(members: readonly Member[]): boolean {
  const leader = leaderOf(members)
  return members.every(
    (member) =>
      member === leader || (member.role.type === 'following' && member.role.leader === leader?.id),
  )
}

t.test('three servers elect one, and deliver its proposals in one order', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const leader = leaderOf(members) as Member
  t.ok(leader.driver.ensembleId)
  t.equal(leader.driver.inFlight, 0, 'counted from the start of the epoch')
  const wanted: string[] = []
  for (let i = 0; i < 100; i++) {
    leader.propose(`${i}a`, `${i}b`)
    wanted.push(`${i}a`, `${i}b`)
    if (i % 10 === 0) await events.until(() => leader.delivered.length === wanted.length)
  }
  await events.until(() => members.every((member) => member.delivered.length === wanted.length))
  for (const member of members) {
    t.same(member.delivered, wanted)
    t.equal(member.driver.ensembleId, leader.driver.ensembleId)
  }
  t.equal(leader.driver.inFlight, 0)

  const follower = members.find((member) => member !== leader) as Member
  follower.driver.sendToLeader({ type: 'SYNC', seq: 5 })
  leader.driver.sendToLeader({ type: 'SYNC', seq: 6 })
  await events.until(() => leader.learnerMessages.length === 2)
  t.same(
    leader.learnerMessages.map((message) => message.type),
    ['SYNC', 'SYNC'],
  )
  leader.driver.sendToLearner(follower.id, { type: 'SYNCED', seq: 5, zxid: zxidZero })
  leader.driver.sendToLearner(leader.id, { type: 'SYNCED', seq: 6, zxid: zxidZero })
  await events.until(() => follower.leaderMessages.length + leader.leaderMessages.length === 2)
  await new Promise<void>((resolve) => leader.driver.confirmLeadership(resolve))
  await Promise.all(members.map((member) => member.stop()))
})

t.test('the others continue without the leader, and it catches up on its return', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const first = leaderOf(members) as Member
  first.propose('before')
  await events.until(() => members.every((member) => member.delivered.length === 1))
  await first.stop()
  const others = members.filter((member) => member !== first)
  await events.until(() => settled(others) && leaderOf(others) !== undefined)
  const second = leaderOf(others) as Member
  // More than one read of the log, over several segments.
  const large = Array.from({ length: 600 }, (_, i) => `${i} ${'x'.repeat(2000)}`)
  for (const payload of large) second.propose(payload)
  await events.until(() => others.every((member) => member.delivered.length === 601))
  await first.start()
  second.propose('while it comes back')
  await events.until(() => members.every((member) => member.delivered.length === 602))
  t.same(first.delivered, ['before', ...large, 'while it comes back'])
  t.equal(leaderOf(members), second, 'a returning server does not disturb a working leader')
  await Promise.all(members.map((member) => member.stop()))
})

t.test('a leader without a quorum stops leading; a lone server leads by itself', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const leader = leaderOf(members) as Member
  await Promise.all(members.filter((member) => member !== leader).map((member) => member.stop()))
  await events.until(() => leader.role.type === 'looking')
  t.throws(() => leader.driver.nextZxid(), 'it assigns no zxids')
  await leader.stop()

  const { members: lone, events: seen } = await ensemble(t, 1)
  const only = lone[0] as Member
  await only.start()
  await seen.until(() => only.role.type === 'leading')
  only.propose('a', 'b')
  await seen.until(() => only.delivered.length === 2)
  await only.stop()
  await only.start()
  await seen.until(() => only.role.type === 'leading')
  t.same(only.delivered, ['a', 'b'], 'the log is delivered again')
  await only.stop()
})

t.test('a leader that stood still continues, once a quorum confirms that it follows', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const leader = leaderOf(members) as Member
  const { role } = leader
  t.equal(leader.driver.mayAnswer, true)
  leader.stoodStillMs += 60_000
  t.equal(leader.driver.mayAnswer, false, 'there may be another leader by now')
  await events.until(() => leader.resumedCount === 1)
  t.equal(leader.driver.mayAnswer, true)
  leader.propose('on')
  await events.until(() => members.every((member) => member.delivered.includes('on')))
  t.equal(leader.role, role, 'in the same epoch')
  const [follower] = members.filter((member) => member !== leader)
  if (follower !== undefined) follower.stoodStillMs += 60_000
  t.equal(follower?.driver.mayAnswer, true, 'a follower may be behind anyway')
  await Promise.all(members.map((member) => member.stop()))
})

t.test('a history larger than the memory bound is delivered whole', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const leader = leaderOf(members) as Member
  const late = members.find((member) => member !== leader) as Member
  await late.stop()
  const large = 'x'.repeat(500_000)
  const count = Math.ceil((2 * limits.undeliveredBytesMax) / large.length)
  const payloads = Array.from({ length: count }, (_, i) => `${i} ${large}`)
  leader.propose(...payloads)
  await events.until(() => leader.delivered.length === count)
  await late.start()
  await events.until(() => late.role.type === 'following')
  leader.propose('more', 'and more')
  await events.until(() => members.every(({ delivered }) => delivered.length === count + 2))
  for (const member of members) t.same(member.delivered, [...payloads, 'more', 'and more'])
  await Promise.all(members.map((member) => member.stop()))
})

t.test(
  'an epoch whose counter nears its end hands over to the next, and nothing fails',
  async (t) => {
    const { members, events } = await ensemble(t, 3)
    for (const member of members) {
      member.handoverAt = 3
      // Acts as the leader's request processor: proposes every SYNC in the order of arrival.
      member.onLearnerMessage = (message) => {
        if (message.type === 'SYNC') member.propose(`${message.seq}`)
      }
    }
    await Promise.all(members.map((member) => member.start()))
    await events.until(() => settled(members))
    const leader = leaderOf(members) as Member
    const follower = members.find((member) => member !== leader) as Member
    const changes = members.map((member) => member.roleChanges)
    const { epoch } = leader.driver.role as { epoch: number }
    for (let seq = 0; seq < 20; seq++) {
      const by = seq % 2 === 0 ? leader : follower
      by.driver.sendToLeader({ type: 'SYNC', seq })
      // The first of an epoch is held until that begins. A learner whose disk is not done with it
      // when the next one begins would be left behind.
      if (seq % 3 === 0) {
        await events.until(() => members.every(({ delivered }) => delivered.length === seq + 1))
      }
    }
    await events.until(() => members.every((member) => member.delivered.length === 20))
    for (const member of members) {
      t.same(member.delivered, members[0]?.delivered, 'in one order')
      t.same([...member.delivered].sort(), Array.from({ length: 20 }, (_, i) => `${i}`).sort())
    }
    const last = leader.driver.role as { epoch: number }
    t.ok(last.epoch >= epoch + 6, `${last.epoch - epoch} handovers of three transactions each`)
    t.same(
      members.map((member) => member.roleChanges),
      changes,
      'no member lost its leader',
    )
    await Promise.all(members.map((member) => member.stop()))
  },
)

t.test(
  'leadership is handed over under load: no server looks, and each request is taken once',
  async (t) => {
    const { members, events } = await ensemble(t, 3)
    for (const member of members) {
      // Acts as the leader's request processor: proposes every SYNC in the order of arrival.
      member.onLearnerMessage = (message) => {
        if (message.type === 'SYNC') member.propose(`${message.seq}`)
      }
    }
    await Promise.all(members.map((member) => member.start()))
    await events.until(() => settled(members))
    const roles: string[] = []
    for (const member of members) member.onRole = ({ type }) => roles.push(`${member.id} ${type}`)
    let seq = 0
    const ask = (): void => {
      for (const member of members) member.driver.sendToLeader({ type: 'SYNC', seq: seq++ })
    }
    for (let round = 0; round < 4; round++) {
      const leader = leaderOf(members) as Member
      const next = members.find(({ id }) => id !== leader.id && id !== 1 + (round % 3)) as Member
      ask()
      const outcome = new Promise<unknown>((done) =>
        leader.driver.transferLeadership({ to: next.id, leaves: round % 2 === 0 }, done),
      )
      ask()
      let isOver = false
      void outcome.then(() => {
        isOver = true
      })
      while (!isOver) {
        ask()
        await new Promise((resolve) => setImmediate(resolve))
      }
      t.same(await outcome, { type: 'transferred', leader: next.id })
      await events.until(() => members.every(({ delivered }) => delivered.length === seq))
      t.equal(leaderOf(members), next)
    }
    t.notOk(roles.some((role) => role.endsWith('looking')))
    for (const member of members) {
      t.same(member.delivered, members[0]?.delivered, 'in one order')
      t.equal(new Set(member.delivered).size, seq, 'each once')
    }
    await Promise.all(members.map((member) => member.stop()))
  },
)

t.test('restarted with longer lists, then shorter ones, by one voter each time', async (t) => {
  const { members, events } = await ensemble(t, 5)
  const all = [...(members[0] as Member).servers]
  const started = new Set<Member>()
  const give = async (member: Member, count: number): Promise<void> => {
    if (started.delete(member)) await member.stop()
    member.servers = new Map(all.slice(0, count))
    await member.start()
    started.add(member)
  }
  const goesOn = async (): Promise<void> => {
    await events.until(() => settled([...started]) && leaderOf([...started]) !== undefined)
    const payload = `${++proposed}`
    leaderOf([...started])?.propose(payload)
    await events.until(() => [...started].every(({ delivered }) => delivered.at(-1) === payload))
  }
  const restartAll = async (servers: number, count = servers): Promise<void> => {
    for (const member of members.slice(0, servers)) {
      await give(member, count)
      await goesOn()
    }
  }
  let proposed = 0
  await Promise.all(members.slice(0, 3).map((member) => give(member, 3)))
  for (const count of [4, 5]) {
    await give(members[count - 1] as Member, count)
    await goesOn()
    await restartAll(count - 1, count)
  }
  for (const count of [4, 3]) {
    await restartAll(count)
    const leaver = members[count] as Member
    started.delete(leaver)
    await leaver.stop()
    await goesOn()
  }
  t.same(
    [...started].map(({ delivered }) => delivered.length),
    Array.from({ length: 3 }, () => proposed),
    'nothing is lost',
  )
  await Promise.all([...started].map((member) => member.stop()))
})

t.test('who cannot hand over says why, and goes on', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const leader = leaderOf(members) as Member
  const [follower, other] = members.filter((member) => member !== leader) as [Member, Member]
  const asked = (member: Member, to: number | undefined, leaves: boolean): Promise<unknown> =>
    new Promise((done) =>
      member.driver.transferLeadership({ to: to as ServerId | undefined, leaves }, done),
    )
  t.same(await asked(follower, undefined, false), { type: 'not leading' })
  await other.stop()
  while (leader.driver.linkCount > 1) await new Promise((resolve) => setImmediate(resolve))
  t.match(await asked(leader, other.id, false), { type: 'refused', reason: /does not follow/ })
  t.match(await asked(leader, undefined, true), { type: 'refused', reason: /there is no quorum/ })
  t.equal(leader.driver.handingOver, false)
  const first = asked(leader, follower.id, false)
  t.match(await asked(leader, follower.id, false), { type: 'refused', reason: /in progress/ })
  t.same(await first, { type: 'transferred', leader: follower.id })
  await Promise.all([leader, follower].map((member) => member.stop()))
})

t.test(
  'a server whose list differs is in no quorum, and the quorum continues without it',
  async (t) => {
    const { members, events } = await ensemble(t, 4)
    const [, two] = members as [Member, Member]
    const servers = two.servers
    const listOf = (...ids: number[]) => new Map([...servers].filter(([id]) => ids.includes(id)))
    for (const member of members) member.servers = listOf(1, 2, member.id === 4 ? 4 : 3)
    const [one, , three, four] = members as [Member, Member, Member, Member]
    const differ = (member: Member): boolean =>
      member.refusals.some((reason) => reason.includes('the lists of servers differ'))
    for (const member of [one, two, four]) await member.start()
    await events.until(() => [one, two, four].every(differ))
    for (const { role } of [one, two, four]) t.equal(role.type, 'looking', 'no first quorum')
    await three.start()
    await events.until(() => settled([one, two, three]))
    const leader = leaderOf([one, two, three]) as Member
    leader.propose('on')
    await events.until(() => [one, two, three].every(({ delivered }) => delivered.length === 1))
    t.same(four.role, { type: 'looking' })
    t.same(four.delivered, [])
    await Promise.all(members.map((member) => member.stop()))
  },
)

/** Repeatedly dials a server as another one, sends it false messages, and ignores the answers. */
function impersonate(
  as: ServerId,
  { of, at }: { of: readonly ServerId[]; at: Address },
): { stop: () => Promise<void>; lied: () => number } {
  const { transport } = realWorld()
  const epoch = epochMax - 1
  const vote = { epoch, zxid: makeZxid({ epoch, counter: 1 }), standing: 'voter', id: as } as const
  const word = {
    type: 'NOTIFICATION',
    vote,
    initialised: true,
    configuration: zxidZero,
  } as const
  const lies: readonly PeerMessage[] = [
    { ...word, round: 2 ** 50, role: 'looking', establishedEpoch: 0 },
    { ...word, round: 2, role: 'leading', establishedEpoch: epoch },
    { type: 'CEPOCH', acceptedEpoch: epoch, currentEpoch: epoch, initialised: true },
    { type: 'SYNC', seq: 666 },
    { type: 'NEWEPOCH', epoch, founds: undefined, asksForPromise: true },
    { type: 'ACKEPOCH', currentEpoch: epoch, lastZxid: vote.zxid, counts: true },
  ]
  let isOver = false
  let lied = 0
  let ended: Promise<void> = Promise.resolve()
  const dial = (): void => {
    ended = new Promise((resolve) => {
      const options = { frameBytesMax: 2 ** 25, queueBytesMax: 2 ** 25, handshakeMs: 3000 }
      const link = transport.dial(
        at,
        { ...options, pauseWhenCongested: false },
        {
          frame: () => {
            if (lied++ % lies.length !== 0) return
            for (const lie of lies) {
              encodePeerMessage(link.beginFrame(), lie, new IdentitiesCodec())
              link.endFrame()
            }
          },
          closed: () => {
            resolve()
            if (!isOver) setImmediate(dial)
          },
        },
      )
      const members = of.map((id) => ({ id, address: 'anywhere', observes: false }))
      const hello = { type: 'hello', serverId: as, instance: 7, members } as const
      const about = {
        ...{ groups: undefined, ensembleId: undefined, holdsHistory: true, challenge: undefined },
      }
      encodeGreeting(link.beginFrame(), { ...hello, ...about }, peerVersions.newest)
      link.endFrame()
      stop = () => link.destroy()
    })
  }
  let stop = (): void => undefined
  dial()
  return {
    lied: () => lied,
    stop: async () => {
      isOver = true
      stop()
      await ended
    },
  }
}

t.test('a stranger in the place of a server that is down does not advance the epoch', async (t) => {
  const { members, events } = await ensemble(t, 3)
  await Promise.all(members.map((member) => member.start()))
  await events.until(() => settled(members))
  const first = leaderOf(members) as Member
  first.propose('before')
  await events.until(() => members.every(({ delivered }) => delivered.length === 1))
  const [one, two, three] = members as [Member, Member, Member]
  await three.stop()
  const others = [one, two]
  await events.until(() => settled(others) && leaderOf(others) !== undefined)
  const impostors = others.map((member) =>
    impersonate(three.id, {
      of: [...member.servers.keys()],
      at: member.servers.get(member.id) as Address,
    }),
  )
  for (let i = 0; i < 3; i++) {
    const leader = leaderOf(others) as Member
    leader.propose(`${i}`)
    await events.until(() => others.every(({ delivered }) => delivered.includes(`${i}`)))
    await one.stop()
    await events.until(() => two.role.type === 'looking')
    await one.start()
    await events.until(() => settled(others) && leaderOf(others) !== undefined)
  }
  for (const { lied } of impostors) t.ok(lied() > 0, 'it was heard')
  const asked = others.flatMap(({ learnerMessages }) => learnerMessages)
  t.same(asked, [], 'no server forwards a request of a stranger')
  await Promise.all(impostors.map(({ stop }) => stop()))
  await three.start()
  await events.until(() => settled(members))
  const last = leaderOf(members) as Member
  const { epoch } = last.role as { epoch: number }
  t.ok(epoch < 50, `epoch ${epoch}`)
  last.propose('after')
  await events.until(() => members.every(({ delivered }) => delivered.includes('after')))
  await Promise.all(members.map((member) => member.stop()))
})
