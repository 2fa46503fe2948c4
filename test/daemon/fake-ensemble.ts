// An ensemble without Zab, in one process: proposals are committed immediately, or when the test
// commits them. Messages and commits reach a server in the order of one FIFO link, as in reality.

import type {
  Ensemble,
  EnsembleListener,
  EnsembleRole,
} from '../../src/daemon/ensemble/ensemble.ts'
import type { LeaderMessage, LearnerMessage } from '../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../src/protocol/records.ts'
import { makeZxid, nextZxid, type Zxid, zxidZero } from '../../src/protocol/zxid.ts'

export class FakeCluster {
  readonly members = new Map<ServerId, FakeMember>()
  leader: FakeMember
  /** Whether proposals commit immediately; otherwise `commit` commits them. */
  auto: boolean
  /** Whether leadership is confirmed immediately; otherwise `confirm` confirms it. */
  autoConfirm = true
  ensembleId = 'fake'
  /** Commits are held back from these servers until `catchUp`. */
  readonly lagging = new Set<ServerId>()
  lastProposed: Zxid
  #proposed: { zxid: Zxid; payload: Buffer }[] = []
  readonly #behind = new Map<ServerId, (() => void)[]>()
  #confirmations: (() => void)[] = []
  #inbox: (() => void)[] = []
  #settling = false
  epoch = 1

  constructor(options: { servers?: number; auto?: boolean } = {}) {
    const { servers = 1, auto = true } = options
    this.auto = auto
    this.lastProposed = makeZxid({ epoch: this.epoch, counter: 0 })
    for (let i = 1; i <= servers; i++) {
      this.members.set(i as ServerId, new FakeMember(this, i as ServerId))
    }
    this.leader = this.member(1)
  }

  member(id: number): FakeMember {
    const member = this.members.get(id as ServerId)
    if (member === undefined) throw new RangeError(`no server ${id}`)
    return member
  }

  get inFlight(): number {
    return this.#proposed.length
  }

  /** Elects the leader. */
  elect(): void {
    const { epoch } = this
    this.lastProposed = makeZxid({ epoch, counter: 0 })
    // Learners are in step only with an established leader.
    const others = [...this.members.values()].filter((member) => member !== this.leader)
    for (const member of [this.leader, ...others]) {
      member.role =
        member === this.leader
          ? { type: 'leading', epoch }
          : { type: 'following', epoch, leader: this.leader.self }
      member.listener.roleChanged(member.role)
    }
  }

  /** Leadership is handed over: nothing is in flight, and no server looks. */
  transfer(to: number): void {
    this.leader = this.member(to)
    this.epoch++
    this.elect()
  }

  /** The leader is lost, and with it everything uncommitted. */
  lose(): void {
    this.#proposed = []
    this.#confirmations = []
    this.epoch++
    for (const member of this.members.values()) {
      member.role = { type: 'looking' }
      member.listener.roleChanged(member.role)
    }
  }

  propose(zxid: Zxid, payload: Buffer): void {
    this.lastProposed = zxid
    this.#proposed.push({ zxid, payload })
    if (this.auto) this.commit()
  }

  /** Commits the oldest proposals, by default all of them. */
  commit(count = this.#proposed.length): void {
    for (const { zxid, payload } of this.#proposed.splice(0, count)) {
      for (const { self, listener } of this.members.values()) {
        this.post(self, () => listener.deliver(zxid, payload))
      }
    }
  }

  confirm(): void {
    const confirmations = this.#confirmations
    this.#confirmations = []
    for (const confirmed of confirmations) confirmed()
  }

  confirmLeadership(confirmed: () => void): void {
    this.#confirmations.push(confirmed)
    if (this.autoConfirm) this.confirm()
  }

  /** Sends to `server`, after everything sent before. */
  post(server: ServerId, run: () => void): void {
    if (this.lagging.has(server)) {
      const behind = this.#behind.get(server) ?? []
      this.#behind.set(server, [...behind, run])
      return
    }
    this.#inbox.push(run)
    if (this.#settling) return
    this.#settling = true
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) next()
    this.#settling = false
  }

  catchUp(server: ServerId): void {
    this.lagging.delete(server)
    for (const run of this.#behind.get(server) ?? []) this.post(server, run)
    this.#behind.delete(server)
  }
}

export class FakeMember implements Ensemble {
  readonly #cluster: FakeCluster
  readonly self: ServerId
  role: EnsembleRole = { type: 'looking' }
  mayAnswer = true
  #listener: EnsembleListener | undefined

  constructor(cluster: FakeCluster, self: ServerId) {
    this.#cluster = cluster
    this.self = self
  }

  get listener(): EnsembleListener {
    if (this.#listener === undefined) throw new Error('the ensemble has no listener')
    return this.#listener
  }

  set listener(listener: EnsembleListener) {
    this.#listener = listener
  }

  get ensembleId(): string {
    return this.#cluster.ensembleId
  }

  get inFlight(): number {
    return this.role.type === 'leading' ? this.#cluster.inFlight : 0
  }

  readonly configuration = {
    last: { version: zxidZero, voters: [], text: '' },
    before: undefined,
  }

  judgeConfiguration(): 'no quorum' {
    return 'no quorum'
  }

  readonly handingOver = false

  nextZxid(): Zxid {
    return nextZxid(this.#cluster.lastProposed)
  }

  propose(zxid: Zxid, payload: Uint8Array): void {
    this.#cluster.propose(zxid, Buffer.from(payload))
  }

  sendToLeader(message: LearnerMessage): void {
    this.#cluster.leader.listener.fromLearner(this.self, message)
  }

  sendToLearner(learner: ServerId, message: LeaderMessage): void {
    const { listener } = this.#cluster.member(learner)
    this.#cluster.post(learner, () => listener.fromLeader(message))
  }

  sendToLearners(message: LeaderMessage): void {
    for (const learner of this.#cluster.members.keys()) {
      if (learner !== this.self) this.sendToLearner(learner, message)
    }
  }

  confirmLeadership(confirmed: () => void): void {
    this.#cluster.confirmLeadership(confirmed)
  }

  /** As the test wants it. */
  onTransfer: Ensemble['transferLeadership'] = (_request, done) =>
    done({ type: 'refused', reason: 'this ensemble has no other voter' })

  transferLeadership(...[request, done]: Parameters<Ensemble['transferLeadership']>): void {
    this.onTransfer(request, done)
  }
}
