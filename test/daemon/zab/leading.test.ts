import t from 'tap'
import type { ZabInput, ZabRole } from '../../../src/daemon/zab/types.ts'
import { Zab } from '../../../src/daemon/zab/zab.ts'
import type { ServerId } from '../../../src/protocol/records.ts'
import { makeZxid, zxidZero } from '../../../src/protocol/zxid.ts'
import { timing } from '../../sim/zab/server.ts'

/** A lone server, whose disk is done immediately. */
class Loner {
  readonly roles: ZabRole[] = []
  readonly #zab = new Zab(
    {
      self: 1 as ServerId,
      voters: [1 as ServerId],
      epochs: { acceptedEpoch: 0, currentEpoch: 0, initialised: false, ensembleId: undefined },
      logBase: zxidZero,
      logged: [],
      lastApplied: zxidZero,
      timing,
      bootstrap: false,
      newEnsembleId: 'loner',
    },
    0,
  )

  constructor() {
    this.#perform(this.#zab.start())
  }

  step(input: ZabInput): void {
    this.#perform(this.#zab.step(0, input))
  }

  #perform(effects: ReturnType<Zab['step']>): void {
    for (const effect of effects) {
      if (effect.type === 'role') this.roles.push(effect.role)
      if (effect.type === 'saveEpochs') this.step({ type: 'epochsSaved', epochs: effect.epochs })
      if (effect.type === 'append') {
        const { first, count } = effect.entries
        this.step({ type: 'logged', zxid: (first + count - 1) as typeof first })
      }
    }
  }
}

t.test('an epoch ends before its counter does, and the next one begins', async (t) => {
  const loner = new Loner()
  t.same(loner.roles.at(-1), { type: 'leading', epoch: 1 })
  const propose = (epoch: number, counter: number, count: number): void => {
    const first = makeZxid({ epoch, counter })
    loner.step({ type: 'proposed', entries: { first, count, bytes: new Uint8Array(0) } })
  }
  const many = 2 ** 32 - 2 ** 20
  propose(1, 1, many)
  loner.step({ type: 'tick' })
  t.same(loner.roles.at(-1), { type: 'leading', epoch: 1 })
  propose(1, many + 1, 1)
  loner.step({ type: 'tick' })
  t.same(loner.roles.at(-1), { type: 'leading', epoch: 2 })
  propose(2, 1, 1)
  loner.step({ type: 'tick' })
  t.same(loner.roles.at(-1), { type: 'leading', epoch: 2 })
})
