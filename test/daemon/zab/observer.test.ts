// A server that does not vote, as its leader and as it itself sees it. The life of one is in
// ../../golden/zab-observer.txt.

import t from 'tap'
import type { Epochs, ZabEffect, ZabInput } from '../../../src/daemon/zab/types.ts'
import { Zab } from '../../../src/daemon/zab/zab.ts'
import type { Notification, ZabMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { entriesOf } from '../../sim/zab/records.ts'

const id = (number: number): ServerId => number as ServerId
const at = (epoch: number, counter: number): Zxid => makeZxid({ epoch, counter })

const epochs: Epochs = { acceptedEpoch: 3, currentEpoch: 3, initialised: true, ensembleId: 'e' }
const history = at(3, 2)

/** One of servers 1 to 3, which vote, or server 4, which does not. Its disk is done immediately. */
class Core {
  readonly zab: Zab
  readonly #effects: ZabEffect[] = []

  constructor(self: number, change: Partial<Epochs> = {}) {
    this.zab = new Zab(
      {
        self: id(self),
        voters: [id(1), id(2), id(3)],
        epochs: { ...epochs, ...change },
        logBase: zxidZero,
        logged: [{ epoch: 3, firstCounter: 1, lastCounter: 2 }],
        lastApplied: zxidZero,
        timing: {
          ...{ pingMs: 1000, leaderTimeoutMs: 10_000, discoveryTimeoutMs: 10_000 },
          ...{ syncTimeoutMs: 10_000, quietMs: 0, renotifyMs: 10_000, renotifyMaxMs: 10_000 },
        },
        bootstrap: false,
        newEnsembleId: 'new',
      },
      0,
    )
    this.#perform(this.zab.start())
    for (const peer of [1, 2, 3, 4].filter((peer) => peer !== self)) {
      this.step({ type: 'connected', peer: id(peer), isMember: true })
    }
  }

  step(input: ZabInput): void {
    this.#perform(this.zab.step(0, input))
  }

  hear(from: number, message: ZabMessage): void {
    this.step({ type: 'received', from: id(from), message })
  }

  #perform(effects: readonly ZabEffect[]): void {
    this.#effects.push(...effects)
    for (const effect of effects) {
      if (effect.type === 'saveEpochs') this.step({ type: 'epochsSaved', epochs: effect.epochs })
    }
  }

  /** The effects since the last call. */
  take(): readonly ZabEffect[] {
    return this.#effects.splice(0)
  }

  /** What it sent to one peer since the last call of `take`, votes apart. */
  sentTo(peer: number): readonly ZabMessage[] {
    return this.take().flatMap((effect) =>
      effect.type === 'send' && effect.to === peer && effect.message.type !== 'NOTIFICATION'
        ? [effect.message]
        : [],
    )
  }

  roles(): readonly string[] {
    return this.take().flatMap((effect) => (effect.type === 'role' ? [effect.role.type] : []))
  }
}

function word(
  role: Notification['role'],
  candidate: number,
  change: Partial<Notification> = {},
): Notification {
  const vote = { epoch: 3, zxid: history, standing: 'voter', id: id(candidate) } as const
  const established = role === 'looking' ? 0 : 4
  return {
    ...{ type: 'NOTIFICATION', vote, round: 1, role, establishedEpoch: established },
    ...{ initialised: true, configuration: zxidZero },
    ...change,
  }
}

const cepoch = (acceptedEpoch: number): ZabMessage => ({
  ...{ type: 'CEPOCH', acceptedEpoch, currentEpoch: 3, initialised: true },
})
const ackEpoch: ZabMessage = {
  ...{ type: 'ACKEPOCH', currentEpoch: 3, lastZxid: history, counts: true },
}

/** Server 3, which leads epoch 4 with server 2. */
function leaderOfEpoch4(): Core {
  const leader = new Core(3)
  leader.hear(2, word('looking', 3))
  leader.hear(1, word('looking', 3))
  leader.hear(2, cepoch(3))
  leader.hear(2, ackEpoch)
  leader.hear(2, { type: 'ACKNEWLEADER', epoch: 4 })
  return leader
}

/** Brings server 4 in step with a leader of epoch 4 that has nothing of it yet. */
function joinObserver(leader: Core): void {
  leader.hear(4, cepoch(3))
  leader.hear(4, ackEpoch)
  leader.hear(4, { type: 'ACKNEWLEADER', epoch: 4 })
}

t.test('votes of and for an observer elect no server', async (t) => {
  const looking = new Core(3)
  looking.hear(4, word('looking', 3))
  looking.hear(4, word('following', 3))
  t.same(looking.roles(), [], 'its vote')
  const own = { epoch: 9, zxid: at(9, 1), standing: 'none', id: id(4) } as const
  for (const peer of [1, 2]) looking.hear(peer, word('looking', 4, { vote: own }))
  t.same(looking.roles(), [], 'a vote for it')
  looking.hear(2, word('looking', 3))
  t.same(looking.roles(), ['leading'], 'two of three voters')
})

t.test('an observer elects no server and follows a leader that works', async (t) => {
  const observer = new Core(4)
  for (const peer of [1, 2, 3]) observer.hear(peer, word('looking', 4))
  for (const peer of [1, 2, 3]) observer.hear(peer, word('looking', 3))
  t.same(observer.roles(), [])
  observer.hear(3, word('leading', 3))
  t.same(observer.roles(), [], 'the word of a leader alone')
  observer.hear(1, word('following', 3))
  t.same(observer.roles(), ['following'])
})

t.test('an observer follows a leader by each configuration that peers named', async (t) => {
  const observer = new Core(4)
  observer.step({ type: 'connected', peer: id(5), isMember: true })
  const named = (version: Zxid, voters: readonly ServerId[]): ZabMessage => ({
    ...{ type: 'CONFIGURATION', version, voters: [...voters], text: '' },
  })
  // A later one, which its leader lost in a cut, and the one in force.
  observer.hear(1, named(at(3, 9), [id(1), id(3)]))
  observer.hear(2, named(at(3, 5), [id(1), id(2), id(5)]))
  observer.hear(5, word('leading', 5))
  t.same(observer.roles(), [], 'the word of a leader alone')
  observer.hear(2, word('following', 5))
  t.same(observer.roles(), ['following'])
})

t.test('an observer without data waits for no server', async (t) => {
  const observer = new Core(4, { initialised: false, currentEpoch: 0 })
  t.equal(observer.zab.waiting, undefined)
  t.ok(new Core(2, { initialised: false, currentEpoch: 0 }).zab.waiting)
})

t.test('an observer hears of an epoch once the voters have promised it', async (t) => {
  const leader = new Core(3)
  leader.hear(2, word('looking', 3))
  leader.hear(1, word('looking', 3))
  leader.hear(4, cepoch(3))
  t.same(leader.sentTo(2), [], 'an observer and the leader are no quorum')
  leader.hear(2, cepoch(3))
  t.same(leader.sentTo(4), [], 'no voter has promised it yet')
  leader.hear(2, ackEpoch)
  t.match(leader.sentTo(4), [
    { type: 'NEWEPOCH', epoch: 4, founds: undefined, asksForPromise: false },
  ])
})

t.test('an observer that knows a later epoch deposes no leader', async (t) => {
  const leader = leaderOfEpoch4()
  leader.take()
  leader.hear(4, cepoch(9))
  t.match(leader.sentTo(4), [{ type: 'NEWEPOCH', epoch: 4 }])
  leader.hear(4, { type: 'ACKEPOCH', currentEpoch: 9, lastZxid: at(9, 1), counts: false })
  t.match(leader.sentTo(4)[0], { type: 'TRUNC', to: history })
  leader.hear(1, cepoch(9))
  t.same(leader.roles(), ['looking'], 'a voter does')
})

t.test('an observer follows below an epoch that it promised, and keeps the promise', async (t) => {
  const observer = new Core(4, { acceptedEpoch: 9 })
  observer.hear(3, word('leading', 3))
  observer.hear(1, word('following', 3))
  observer.hear(3, { type: 'NEWEPOCH', epoch: 4, founds: undefined, asksForPromise: false })
  t.match(observer.sentTo(3), [{ type: 'CEPOCH' }, { type: 'ACKEPOCH', counts: false }])
  observer.hear(3, { type: 'DIFF', after: history })
  observer.hear(3, { type: 'NEWLEADER', epoch: 4, ensembleId: 'e' })
  t.match(observer.sentTo(3), [{ type: 'ACKNEWLEADER', epoch: 4 }])
  t.match(observer.zab.epochs, { acceptedEpoch: 9, currentEpoch: 4 })
  observer.hear(3, { type: 'PROPOSAL', entries: entriesOf(at(9, 1), ['of a later epoch']) })
  t.same(observer.roles(), ['looking'], 'a leader sends nothing of later epochs than its own')
})

t.test('an observer is informed of a batch once, when all of it is committed', async (t) => {
  const leader = leaderOfEpoch4()
  joinObserver(leader)
  t.match(leader.sentTo(4).at(-1), { type: 'UPTODATE', committed: history })
  const entries = entriesOf(at(4, 1), ['a', 'b'])
  leader.step({ type: 'proposed', entries })
  leader.step({ type: 'logged', zxid: at(4, 2) })
  t.same(leader.sentTo(4), [])
  leader.hear(4, { type: 'ACK', zxid: at(4, 2) })
  t.same(leader.take(), [], 'its own ack commits nothing')
  leader.hear(2, { type: 'ACK', zxid: at(4, 1) })
  t.same(leader.sentTo(4), [], 'half of it')
  leader.hear(2, { type: 'ACK', zxid: at(4, 2) })
  t.same(leader.sentTo(4), [{ type: 'INFORM', entries }])
})

t.test(
  'an observer that joins amid a batch hears of its commit when it has all of it',
  async (t) => {
    const leader = leaderOfEpoch4()
    leader.step({ type: 'proposed', entries: entriesOf(at(4, 1), ['a', 'b']) })
    leader.step({ type: 'logged', zxid: at(4, 2) })
    leader.hear(4, cepoch(3))
    leader.hear(4, ackEpoch)
    const later = entriesOf(at(4, 3), ['c', 'd'])
    leader.step({ type: 'proposed', entries: later })
    leader.step({ type: 'logged', zxid: at(4, 4) })
    leader.hear(2, { type: 'ACK', zxid: at(4, 3) })
    leader.take()
    leader.hear(4, { type: 'ACKNEWLEADER', epoch: 4 })
    t.same(leader.sentTo(4), [{ type: 'UPTODATE', committed: at(4, 2) }])
    leader.hear(2, { type: 'ACK', zxid: at(4, 4) })
    t.same(leader.sentTo(4), [{ type: 'INFORM', entries: later }])
  },
)

t.test('an observer learns of the commit of the history that it was sent', async (t) => {
  const leader = leaderOfEpoch4()
  leader.step({ type: 'proposed', entries: entriesOf(at(4, 1), ['a', 'b']) })
  leader.step({ type: 'logged', zxid: at(4, 2) })
  joinObserver(leader)
  t.match(leader.sentTo(4).at(-1), { type: 'UPTODATE', committed: history })
  leader.hear(2, { type: 'ACK', zxid: at(4, 2) })
  t.same(leader.sentTo(4), [{ type: 'COMMIT', zxid: at(4, 2) }])
})

t.test(
  'an observer delivers what it is informed of once its disk has it, without ACK',
  async (t) => {
    const observer = new Core(4)
    observer.hear(3, word('leading', 3))
    observer.hear(1, word('following', 3))
    observer.hear(3, { type: 'NEWEPOCH', epoch: 4, founds: undefined, asksForPromise: false })
    observer.hear(3, { type: 'DIFF', after: history })
    observer.hear(3, { type: 'NEWLEADER', epoch: 4, ensembleId: 'e' })
    observer.hear(3, { type: 'UPTODATE', committed: history })
    observer.take()
    const entries = entriesOf(at(4, 1), ['a', 'b'])
    observer.hear(3, { type: 'INFORM', entries })
    t.same(observer.take(), [{ type: 'append', entries }])
    observer.step({ type: 'logged', zxid: at(4, 2) })
    t.same(observer.take(), [{ type: 'deliver', upTo: at(4, 2) }])
  },
)
