import t from 'tap'
import type { EnsembleRole } from '../../../src/daemon/ensemble/ensemble.ts'
import { DigestCheck } from '../../../src/daemon/request-processor/digest-check.ts'
import type { Digest } from '../../../src/daemon/ztree/digest.ts'
import type { LeaderMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid } from '../../../src/protocol/zxid.ts'

const at = (counter: number): Zxid => makeZxid({ epoch: 2, counter })
const good = { high: 1, low: 2 }
const bad = { high: 1, low: 3 }
const following: EnsembleRole = { type: 'following', epoch: 2, leader: 1 as ServerId }

/** A server in that role, and the digests that it sends its learners. */
class Checked {
  readonly told: LeaderMessage[] = []
  readonly #tree: { digest: Digest } = { digest: good }
  readonly check: DigestCheck

  constructor(role: EnsembleRole = following) {
    const sendToLearners = (message: LeaderMessage) => this.told.push(message)
    this.check = new DigestCheck({ role, sendToLearners }, this.#tree)
  }

  /** Its tree has that digest when it has come to `zxid`. */
  applied(zxid: Zxid, digest: Digest): void {
    this.#tree.digest = digest
    this.check.applied(zxid)
  }

  heard(zxid: Zxid, digest: Digest): void {
    this.check.heard(zxid, digest)
  }
}

t.test('one comparison in 128 transactions of each epoch', async (t) => {
  const server = new Checked()
  for (let counter = 1; counter <= 300; counter++) server.applied(at(counter), good)
  t.same([...server.check.recent.keys()], [at(128), at(256)])
})

t.test('the leader sends its digest to its learners, a follower sends none', async (t) => {
  const leader = new Checked({ type: 'leading', epoch: 2 })
  for (const counter of [127, 128, 129]) leader.applied(at(counter), good)
  t.same(leader.told, [{ type: 'DIGEST', zxid: at(128), high: 1, low: 2 }])
  const follower = new Checked()
  follower.applied(at(128), good)
  t.same(follower.told, [])
})

const orders: readonly { name: string; run: (server: Checked, theirs: Digest) => void }[] = [
  {
    name: 'the leader is ahead of us',
    run: (server, theirs) => {
      server.heard(at(256), theirs)
      server.applied(at(128), bad)
      server.applied(at(256), good)
    },
  },
  {
    name: 'we are ahead of its digest',
    run: (server, theirs) => {
      server.applied(at(256), good)
      server.applied(at(384), bad)
      server.heard(at(256), theirs)
    },
  },
]
for (const { name, run } of orders) {
  t.test(`a difference is found when ${name}`, async (t) => {
    t.doesNotThrow(() => run(new Checked(), good))
    t.throws(() => run(new Checked(), bad), {
      name: 'DivergedError',
      message: /0x200000100.*0000000100000002.*0000000100000003/,
    })
  })
}

t.test('a digest that arrives far too late is not compared', async (t) => {
  const server = new Checked()
  for (let i = 1; i <= 1000; i++) server.applied(at(128 * i), good)
  t.doesNotThrow(() => server.heard(at(128), bad))
})
