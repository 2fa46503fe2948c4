import t from 'tap'
import type { EpochRange } from '../../../src/daemon/zab/history.ts'
import type { Epochs, ZabEffect } from '../../../src/daemon/zab/types.ts'
import { Zab } from '../../../src/daemon/zab/zab.ts'
import type { Notification, ZabMessage } from '../../../src/protocol/peer/messages.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, type Zxid, zxidZero } from '../../../src/protocol/zxid.ts'

const id = (number: number): ServerId => number as ServerId

const forgetful: Epochs = {
  acceptedEpoch: 0,
  currentEpoch: 0,
  initialised: false,
  ensembleId: undefined,
}
const seasoned: Epochs = {
  acceptedEpoch: 3,
  currentEpoch: 3,
  initialised: true,
  ensembleId: 'e',
}

/** The epochs in its log, and the base of the log. */
interface Held {
  readonly base: Zxid
  readonly logged: readonly EpochRange[]
}

/** Server 3 of three, with links to both others. */
function third(epochs: Epochs, bootstrap = false, held: Partial<Held> = {}) {
  const zab = new Zab(
    {
      self: id(3),
      voters: [id(1), id(2), id(3)],
      epochs,
      logBase: held.base ?? zxidZero,
      logged: held.logged ?? [],
      lastApplied: held.base ?? zxidZero,
      timing: {
        pingMs: 100,
        leaderTimeoutMs: 600,
        discoveryTimeoutMs: 1200,
        syncTimeoutMs: 2000,
        quietMs: 0,
        renotifyMs: 200,
        renotifyMaxMs: 2000,
      },
      bootstrap,
      newEnsembleId: 'new',
    },
    0,
  )
  zab.start()
  for (const peer of [id(1), id(2)]) zab.step(0, { type: 'connected', peer, isMember: true })
  const hear = (from: number, message: ZabMessage): ZabEffect[] => {
    const effects = zab.step(0, { type: 'received', from: id(from), message })
    // Its disk is done immediately.
    for (const effect of effects) {
      if (effect.type === 'saveEpochs') {
        effects.push(...zab.step(0, { type: 'epochsSaved', epochs: effect.epochs }))
      }
    }
    return effects
  }
  return { zab, hear }
}

/** A vote for server 3 with its actual history. */
function voteOf({ currentEpoch: epoch }: Epochs, initialised: boolean): Notification {
  const vote = { epoch, zxid: zxidZero, standing: 'voter', id: id(3) } as const
  const word = { type: 'NOTIFICATION', vote, round: 1, role: 'looking' } as const
  return { ...word, establishedEpoch: 0, initialised, configuration: zxidZero }
}

function cepoch({ acceptedEpoch, currentEpoch, initialised }: Epochs): ZabMessage {
  return { type: 'CEPOCH', acceptedEpoch, currentEpoch, initialised }
}

const newEpochs = (effects: readonly ZabEffect[]) =>
  effects.flatMap((effect) =>
    effect.type === 'send' && effect.message.type === 'NEWEPOCH'
      ? [{ to: effect.to, epoch: effect.message.epoch, first: effect.message.founds !== undefined }]
      : [],
  )

t.test('a server without data reports which servers it waits for', async (t) => {
  const { zab, hear } = third(forgetful)
  t.same(zab.waiting, { for: 'data', missing: [1, 2], initialised: [] })
  hear(1, voteOf(forgetful, false))
  t.same(zab.waiting, { for: 'data', missing: [2], initialised: [] })
  hear(1, voteOf(forgetful, true))
  t.same(zab.waiting, { for: 'data', missing: [2], initialised: [1] })
  t.equal(third(seasoned).zab.waiting, undefined, 'a server with data reports none')
})

t.test('the first epoch needs all servers, and each that promises it counts', async (t) => {
  const { zab, hear } = third(forgetful)
  hear(1, voteOf(forgetful, false))
  t.ok(zab.waiting, 'two of three are not enough')
  hear(2, voteOf(forgetful, false))
  t.equal(zab.waiting, undefined, 'all three elect')
  t.same(newEpochs(hear(1, cepoch(forgetful))), [], 'two of three cannot begin an epoch')
  t.same(newEpochs(hear(2, cepoch(forgetful))), [
    { to: 1, epoch: 1, first: true },
    { to: 2, epoch: 1, first: true },
  ])
  t.equal(zab.epochs.initialised, true)
  const ack = { type: 'ACKEPOCH', currentEpoch: 0, lastZxid: zxidZero, counts: true } as const
  hear(1, ack)
  t.equal(zab.epochs.currentEpoch, 0, 'two promises are not enough')
  hear(2, ack)
  t.equal(zab.epochs.currentEpoch, 1)
})

t.test('with --bootstrap, a majority begins the first epoch', async (t) => {
  const { zab, hear } = third(forgetful, true)
  hear(1, voteOf(forgetful, false))
  zab.step(1, { type: 'tick' })
  t.same(newEpochs(hear(1, cepoch(forgetful))), [{ to: 1, epoch: 1, first: true }])
})

t.test('no server founds an ensemble once it has met a server with data', async (t) => {
  const { hear } = third(forgetful, true)
  hear(1, voteOf(forgetful, false))
  hear(2, voteOf(forgetful, false))
  t.same(newEpochs(hear(2, cepoch(seasoned))), [], 'with or without bootstrap')
  t.same(newEpochs(hear(1, cepoch(forgetful))), [])
})

t.test('a server that lost its data is no help to a leader that lacks a majority', async (t) => {
  const { zab, hear } = third(seasoned)
  hear(1, voteOf(seasoned, true))
  hear(2, voteOf(seasoned, false))
  t.same(newEpochs(hear(2, cepoch(forgetful))), [], 'its promise does not count')
  const announced = newEpochs(hear(1, cepoch(seasoned)))
  t.same(
    announced,
    [
      { to: 1, epoch: 4, first: false },
      { to: 2, epoch: 4, first: false },
    ],
    'but it may follow',
  )
  hear(2, { type: 'ACKEPOCH', currentEpoch: 0, lastZxid: zxidZero, counts: true })
  t.equal(zab.epochs.currentEpoch, 3)
  hear(1, { type: 'ACKEPOCH', currentEpoch: 3, lastZxid: zxidZero, counts: true })
  t.equal(zab.epochs.currentEpoch, 4)
})

const led: Epochs = { ...seasoned, acceptedEpoch: 3, currentEpoch: 1 }
const ranges = (...epochs: number[]): EpochRange[] =>
  epochs.map((epoch) => ({ epoch, firstCounter: 1, lastCounter: 2 }))
const memberships: { name: string; held: Partial<Held>; want: string | undefined }[] = [
  { name: 'that holds nothing', held: {}, want: undefined },
  { name: 'that holds something of its epoch', held: { logged: ranges(1) }, want: 'e' },
  { name: 'that holds something of an older one', held: { logged: ranges(1, 3) }, want: 'e' },
  {
    name: 'that was sent the history of another, but not its id yet',
    held: { logged: ranges(2, 3) },
    want: undefined,
  },
  {
    name: 'that was sent the tree of another, but not its id yet',
    held: { base: makeZxid({ epoch: 2, counter: 7 }) },
    want: undefined,
  },
  {
    name: 'whose log was purged',
    held: { base: makeZxid({ epoch: 1, counter: 7 }), logged: ranges(3) },
    want: 'e',
  },
]
for (const { name, held, want } of memberships) {
  t.test(`the ensemble of a server ${name}`, async (t) => {
    t.equal(third(led, false, held).zab.ensembleId, want)
  })
}
