// What a peer can do that has not named our ensemble, and a member that claims too much.

import t from 'tap'
import type { Epochs, ZabEffect, ZabInput } from '../../../src/daemon/zab/types.ts'
import { Zab } from '../../../src/daemon/zab/zab.ts'
import type { Notification, ZabMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, zxidZero } from '../../../src/protocol/zxid.ts'

const id = (number: number): ServerId => number as ServerId

const minuteMs = 60_000
const lastEpoch = 2 ** 21 - 2
const settledEpochs: Epochs = {
  acceptedEpoch: 3,
  currentEpoch: 3,
  initialised: true,
  ensembleId: 'e',
}
const history = makeZxid({ epoch: 3, counter: 2 })

/** Server 3 of three, which holds a history, unless told otherwise. */
class Third {
  readonly zab: Zab
  nowMs = 0

  constructor(epochs: Epochs = settledEpochs) {
    this.zab = new Zab(
      {
        self: id(3),
        voters: [id(1), id(2), id(3)],
        epochs,
        logBase: zxidZero,
        logged: epochs.currentEpoch === 3 ? [{ epoch: 3, firstCounter: 1, lastCounter: 2 }] : [],
        lastApplied: zxidZero,
        timing: {
          pingMs: minuteMs,
          leaderTimeoutMs: 10 * minuteMs,
          discoveryTimeoutMs: 10 * minuteMs,
          syncTimeoutMs: 10 * minuteMs,
          quietMs: 0,
          renotifyMs: 200,
          renotifyMaxMs: 2000,
        },
        bootstrap: false,
        newEnsembleId: 'new',
      },
      0,
    )
    this.zab.start()
  }

  step(input: ZabInput): ZabEffect[] {
    const effects = this.zab.step(this.nowMs, input)
    for (const effect of effects) {
      if (effect.type === 'saveEpochs') {
        effects.push(...this.step({ type: 'epochsSaved', epochs: effect.epochs }))
      }
    }
    return effects
  }

  meet(peer: number, { isMember }: { isMember: boolean }): void {
    this.step({ type: 'connected', peer: id(peer), isMember })
  }

  hear(from: number, message: ZabMessage): ZabEffect[] {
    return this.step({ type: 'received', from: id(from), message })
  }

  /** Its notification to a newly connected peer. */
  get word(): Notification | undefined {
    const effects = this.step({ type: 'connected', peer: id(2), isMember: false })
    const sent = effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []))
    return sent.find((message) => message.type === 'NOTIFICATION')
  }
}

function vote(candidate: number, change: Partial<Notification> = {}): Notification {
  const byDefault = { epoch: 3, zxid: history, standing: 'voter', id: id(candidate) } as const
  return {
    ...{ type: 'NOTIFICATION', vote: byDefault, round: 1, role: 'looking' },
    ...{ establishedEpoch: 0, initialised: true, configuration: zxidZero },
    ...change,
  }
}

const cepoch = (acceptedEpoch: number, initialised = true): ZabMessage => ({
  ...{ type: 'CEPOCH', acceptedEpoch, currentEpoch: 3, initialised },
})

/** Elected by server 1, which has sent CEPOCH. */
function electedThird(): Third {
  const third = new Third()
  third.meet(1, { isMember: true })
  third.hear(1, vote(3))
  return third
}

const reasons = (effects: readonly ZabEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'disconnect' ? [effect.reason] : []))

const violations = (effects: readonly ZabEffect[]): boolean[] =>
  effects.flatMap((effect) => (effect.type === 'disconnect' ? [effect.violation] : []))

t.test('the vote of a stranger is ignored: both its candidate and its round', async (t) => {
  const third = new Third()
  third.meet(1, { isMember: false })
  third.hear(
    1,
    vote(1, {
      vote: { epoch: lastEpoch, zxid: history, standing: 'voter', id: id(1) },
      round: 2 ** 52,
    }),
  )
  third.hear(1, vote(3))
  t.match(third.word, { role: 'looking', round: 1, vote: { epoch: 3, id: 3 } })
  third.step({ type: 'member', peer: id(1) })
  third.hear(1, vote(3))
  t.match(third.word, { role: 'leading' }, 'it is a member now')
})

t.test('a round beyond any number of elections is refused, even from a member', async (t) => {
  const third = new Third()
  third.meet(1, { isMember: true })
  t.match(reasons(third.hear(1, vote(1, { round: 2 ** 52 }))), [/its round/])
  third.meet(1, { isMember: true })
  t.same(reasons(third.hear(1, vote(3, { round: 1_000_000 }))), [])
  t.match(third.word, { role: 'leading', round: 1_000_000 })
})

t.test('a stranger that claims to lead is not followed, and deposes no leader', async (t) => {
  const third = new Third()
  third.meet(1, { isMember: false })
  third.meet(2, { isMember: true })
  third.hear(1, vote(1, { role: 'leading', establishedEpoch: 9 }))
  third.hear(2, vote(1, { role: 'following', establishedEpoch: 9 }))
  t.match(third.word, { role: 'looking' })

  const elected = electedThird()
  elected.meet(2, { isMember: false })
  elected.hear(2, vote(2, { role: 'leading', establishedEpoch: 9 }))
  t.match(elected.word, { role: 'leading' })
})

t.test('the epoch of a stranger does not raise ours, and deposes no leader', async (t) => {
  const third = electedThird()
  third.meet(2, { isMember: false })
  third.hear(2, cepoch(lastEpoch))
  t.equal(third.zab.epochs.acceptedEpoch, 3, 'its promise counts for no quorum either')
  third.hear(1, cepoch(3))
  t.equal(third.zab.epochs.acceptedEpoch, 4)
  third.hear(1, { type: 'ACKEPOCH', currentEpoch: 3, lastZxid: history, counts: true })
  t.equal(third.zab.epochs.currentEpoch, 4)
  third.step({ type: 'disconnected', peer: id(2) })
  third.meet(2, { isMember: false })
  t.same(reasons(third.hear(2, cepoch(lastEpoch))), [])
  t.match(third.word, { role: 'leading' })
})

t.test(
  'a newer history deposes a leader if a member holds it, and a stranger does not',
  async (t) => {
    const newer = {
      type: 'ACKEPOCH',
      ...{ currentEpoch: 3, lastZxid: makeZxid({ epoch: 3, counter: 9 }), counts: true },
    } as const
    const third = electedThird()
    third.meet(2, { isMember: false })
    third.hear(2, cepoch(3))
    third.hear(1, cepoch(3))
    const effects = third.hear(2, newer)
    t.match(reasons(effects), [/it has a newer history, and does not count/])
    t.match(third.word, { role: 'leading' })
    third.hear(1, newer)
    t.match(third.word, { role: 'looking' })
  },
)

t.test('a stranger cannot forward requests before it has taken our history', async (t) => {
  const third = electedThird()
  third.hear(1, cepoch(3))
  third.meet(2, { isMember: false })
  third.hear(2, cepoch(3))
  t.equal(third.zab.hasLearner(id(1)), true)
  t.equal(third.zab.hasLearner(id(2)), false)
})

t.test(
  'a member far ahead is refused, with the reason, and raises our epoch in steps',
  async (t) => {
    const third = electedThird()
    const effects = third.hear(1, cepoch(lastEpoch))
    t.match(reasons(effects), [/its epoch 2097150 is far beyond ours, 3/])
    t.same(violations(effects), [true])
    t.equal(third.zab.epochs.acceptedEpoch, 3 + 512)
    for (const want of [3 + 1024, 3 + 1024]) {
      third.meet(1, { isMember: true })
      third.hear(1, cepoch(lastEpoch))
      t.equal(third.zab.epochs.acceptedEpoch, want, 'only while the allowance lasts')
    }
    third.nowMs += minuteMs
    third.meet(1, { isMember: true })
    third.hear(1, cepoch(3 + 1024 + 500))
    t.equal(third.zab.epochs.acceptedEpoch, 3 + 1024 + 501, 'within reach it is believed')
  },
)

/** Server 1 is its leader: elected or, with `establishedEpoch`, established. */
function followingThird(epochs = settledEpochs, establishedEpoch = 0): Third {
  const third = new Third(epochs)
  for (const peer of [1, 2]) third.meet(peer, { isMember: true })
  const role = establishedEpoch > 0
  const better = { epoch: lastEpoch, zxid: history, standing: 'voter', id: id(1) } as const
  third.hear(2, vote(1, role ? { role: 'following', establishedEpoch } : { vote: better }))
  third.hear(1, vote(1, role ? { role: 'leading', establishedEpoch } : { vote: better }))
  t.match(third.word, { role: 'following', vote: { id: 1 } })
  return third
}

t.test('a leader whose epoch is far away is refused', async (t) => {
  const third = followingThird()
  const effects = third.hear(1, {
    type: 'NEWEPOCH',
    epoch: lastEpoch,
    founds: undefined,
    asksForPromise: true,
  })
  t.match(reasons(effects), [/its epoch 2097150 is far beyond ours, 3/])
  t.equal(third.zab.epochs.acceptedEpoch, 3 + 512)
})

t.test('unless a majority reports it as established: a server may be away for long', async (t) => {
  const third = followingThird(settledEpochs, 100_000)
  third.hear(1, { type: 'NEWEPOCH', epoch: 100_000, founds: undefined, asksForPromise: true })
  t.equal(third.zab.epochs.acceptedEpoch, 100_000)
})

t.test('a server with a history founds no other ensemble', async (t) => {
  const third = followingThird()
  const effects = third.hear(1, {
    type: 'NEWEPOCH',
    epoch: 4,
    founds: 'other',
    asksForPromise: true,
  })
  t.match(reasons(effects), [/begins another ensemble/])
  t.equal(third.zab.epochs.ensembleId, 'e')
})

const empty: Epochs = {
  ...{ acceptedEpoch: 0, currentEpoch: 0, initialised: false, ensembleId: undefined },
}

t.test(
  'a server without data is bound by no promise: a false claim does not keep it out',
  async (t) => {
    const third = followingThird(empty, 7)
    third.hear(1, { type: 'NEWEPOCH', epoch: lastEpoch, founds: undefined, asksForPromise: true })
    t.equal(third.zab.epochs.acceptedEpoch, lastEpoch)
    const again = followingThird(third.zab.epochs, 7)
    const effects = again.hear(1, {
      type: 'NEWEPOCH',
      epoch: 7,
      founds: undefined,
      asksForPromise: true,
    })
    t.equal(again.zab.epochs.acceptedEpoch, 7)
    t.ok(effects.some((effect) => effect.type === 'send' && effect.message.type === 'ACKEPOCH'))
  },
)

t.test('a server that counts knows the ensemble that its first promise founded', async (t) => {
  const third = followingThird(empty)
  third.hear(1, { type: 'NEWEPOCH', epoch: 1, founds: 'theirs', asksForPromise: true })
  t.match(third.zab.epochs, { initialised: true, ensembleId: 'theirs', currentEpoch: 0 })
})

t.test('the last epoch ends a leader, not the process', async (t) => {
  const third = new Third({ ...settledEpochs, acceptedEpoch: lastEpoch + 1 })
  third.meet(1, { isMember: true })
  third.hear(1, vote(3))
  third.hear(1, cepoch(3))
  t.match(third.word, { role: 'looking' })
  t.equal(third.zab.epochs.acceptedEpoch, lastEpoch + 1)
})
