import t from 'tap'
import { GroupCommits } from '../../../src/client/mq/group-commits.ts'
import { systemClock } from '../../../src/clock.ts'
import { silentLogger } from '../../../src/logger.ts'
import type { MqRequest } from '../../../src/protocol/mq/apis.ts'
import { BrokerError } from '../../../src/protocol/mq/error-codes.ts'
import { noCommit } from '../../../src/protocol/mq/offset-commit.ts'

type Fate = 'stored' | 'stored, unanswered' | 'lost' | 'late'

/** The znode of one partition's offset, and brokers that do with each commit as they are told. */
class Znode {
  offset: number | 'garbage' | undefined
  version = noCommit
  readonly fates: Fate[] = []
  readonly late: (() => void)[] = []
  reads = 0

  readonly cluster = {
    clock: systemClock,
    log: silentLogger,
    call: async (made: MqRequest | ((timeoutMs: number) => MqRequest), timeoutMs: number) => {
      const request = typeof made === 'function' ? made(timeoutMs) : made
      if (request.type === 'offsetFetch') return this.#read()
      if (request.type !== 'offsetCommit')
        throw new Error(`Cannot answer ${request.type}: commits do not ask it`)
      const [asked] = request.partitions
      const { offset, version } = asked ?? { offset: 0, version: noCommit }
      const fate = this.fates.shift() ?? 'stored'
      if (fate === 'late') this.late.push(() => this.write(offset, version))
      else if (fate !== 'lost' && !this.write(offset, version)) {
        throw new BrokerError('INVALID_UPDATE_VERSION', 'Cannot commit')
      }
      if (fate !== 'stored') throw new BrokerError('REQUEST_TIMED_OUT', 'Cannot tell')
      return { type: 'offsetCommit', partitions: [{ version: this.version }] }
    },
  }

  commits(): GroupCommits {
    // What it answers belongs to what was asked; only the generic signature cannot say so.
    const cluster = this.cluster as unknown as ConstructorParameters<
      typeof GroupCommits
    >[0]['cluster']
    return new GroupCommits({ cluster, group: 'fans', topic: 'goals' })
  }

  write(offset: number, version: number): boolean {
    const isFirst = version === noCommit && this.offset === 'garbage'
    if (!isFirst && version !== this.version) return false
    this.offset = offset
    this.version += 1
    return true
  }

  #read() {
    this.reads += 1
    if (this.offset === 'garbage') {
      throw new BrokerError('OFFSET_OUT_OF_RANGE', 'Cannot read', { bounds: { start: 0, end: 9 } })
    }
    const { offset, version } = this
    return { type: 'offsetFetch', partitions: [{ offset, version }] }
  }
}

const timeoutMs = 1000

t.test('commits follow one another, read before the first only', async (t) => {
  const znode = new Znode()
  const commits = znode.commits()
  await Promise.all([1, 2, 3].map((offset) => commits.commit(0, offset, timeoutMs)))
  t.match(znode, { offset: 3, version: 2, reads: 1 })
  await commits.commit(0, 1, timeoutMs)
  t.equal(znode.offset, 1, 'an offset that is asked for goes back')
})

t.test('a commit that lands late changes nothing', async (t) => {
  const znode = new Znode()
  const commits = znode.commits()
  await commits.commit(0, 1, timeoutMs)
  znode.fates.push('late')
  await t.rejects(commits.commit(0, 5, timeoutMs), { code: 'REQUEST_TIMED_OUT' })
  await commits.commit(0, 10, timeoutMs)
  znode.late.map((land) => land())
  t.equal(znode.offset, 10)
})

t.test('a commit that landed between counts as ours: what follows replaces it', async (t) => {
  for (const next of [3, 10]) {
    const znode = new Znode()
    const commits = znode.commits()
    await commits.commit(0, 1, timeoutMs)
    znode.fates.push('late')
    await t.rejects(commits.commit(0, 5, timeoutMs))
    t.equal(await commits.read(0, timeoutMs), 1)
    znode.late.map((land) => land())
    await commits.commit(0, next, timeoutMs)
    t.equal(znode.offset, next)
  }
})

t.test('a commit that was stored and not answered is found', async (t) => {
  const znode = new Znode()
  const commits = znode.commits()
  znode.fates.push('stored, unanswered')
  await t.rejects(commits.commit(0, 5, timeoutMs))
  await commits.commit(0, 6, timeoutMs)
  t.match(znode, { offset: 6, version: 1 })
})

const others = [
  { theirs: 10, ours: 5, want: 10, claim: 'what another consumer committed further on stays' },
  { theirs: 4, ours: 5, want: 5, claim: 'what another consumer committed behind is replaced' },
]
for (const { theirs, ours, want, claim } of others) {
  t.test(claim, async (t) => {
    const znode = new Znode()
    const [slow, fast] = [znode.commits(), znode.commits()]
    await slow.commit(0, 1, timeoutMs)
    await fast.commit(0, theirs, timeoutMs)
    await slow.commit(0, ours, timeoutMs)
    t.equal(znode.offset, want)
  })
}

t.test('and stays for all commits that lie behind it, not for the first alone', async (t) => {
  const znode = new Znode()
  const [slow, fast] = [znode.commits(), znode.commits()]
  await slow.commit(0, 1, timeoutMs)
  await fast.commit(0, 10, timeoutMs)
  for (const offset of [5, 6, 7]) await slow.commit(0, offset, timeoutMs)
  t.equal(znode.offset, 10)
  await slow.commit(0, 11, timeoutMs)
  t.equal(znode.offset, 11)
})

t.test('it stays, too, when it came after a commit whose outcome is not known', async (t) => {
  const znode = new Znode()
  const [slow, fast] = [znode.commits(), znode.commits()]
  await slow.commit(0, 1, timeoutMs)
  znode.fates.push('lost')
  await t.rejects(slow.commit(0, 2, timeoutMs))
  await fast.commit(0, 10, timeoutMs)
  await slow.commit(0, 3, timeoutMs)
  t.equal(znode.offset, 10)
})

t.test('an invalid offset is reported when read, and replaced by a commit', async (t) => {
  const znode = new Znode()
  znode.offset = 'garbage'
  znode.version = 4
  const commits = znode.commits()
  await t.rejects(commits.read(0, timeoutMs), { code: 'OFFSET_OUT_OF_RANGE' })
  await commits.commit(0, 7, timeoutMs)
  t.match(znode, { offset: 7, version: 5 })
})
