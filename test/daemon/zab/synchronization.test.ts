import t from 'tap'
import { synchronize } from '../../../src/daemon/zab/synchronization.ts'
import type { ZabOptions } from '../../../src/daemon/zab/types.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'
import { epochs, id, ids, promised, stateOf, z } from './leader-parts.ts'

function synchronized(from: Zxid, options: Partial<ZabOptions> = {}) {
  const state = stateOf(3, { logBase: z(2, 1), ...options })
  const learner = promised()
  synchronize(state, { id: id(2), learner, from, epoch: 3 })
  const effects = state.takeEffects().map((effect) => {
    switch (effect.type) {
      case 'send':
        return effect.message
      case 'sendHistory':
        return [effect.after, effect.upTo]
      default:
        return effect.type
    }
  })
  return { effects, phase: learner.phase }
}

const newLeader = { type: 'NEWLEADER', epoch: 3, ensembleId: 'some' }

t.test('NEWLEADER follows all of our history', async (t) => {
  const { effects, phase } = synchronized(z(2, 3))
  t.same(effects, [{ type: 'DIFF', after: z(2, 3) }, [z(2, 3), z(2, 5)], newLeader])
  t.same(phase, { type: 'syncing', upTo: z(2, 5) })
})

t.test('the first configuration comes before NEWLEADER', async (t) => {
  const agreed = { version: z(1, 0), voters: ids(1, 2, 3), text: 'files of 3' }
  const changeIn = () => undefined
  const { effects } = synchronized(z(2, 5), { changeIn, epochs: { ...epochs, agreed } })
  const message = { type: 'CONFIGURATION', ...agreed }
  t.same(effects, [{ type: 'DIFF', after: z(2, 5) }, message, newLeader])
})

t.test('a log that ends as ours does is sent nothing', async (t) => {
  t.same(synchronized(z(2, 5)).effects, [{ type: 'DIFF', after: z(2, 5) }, newLeader])
})

t.test('what we do not hold is cut first', async (t) => {
  t.same(synchronized(z(2, 9)).effects, [{ type: 'TRUNC', to: z(2, 5) }, newLeader])
})

t.test('a learner that needs our tree gets nothing else until it has it', async (t) => {
  const { effects, phase } = synchronized(z(1, 9))
  t.same(effects, [{ type: 'SNAP' }, 'sendSnapshot'])
  t.same(phase, { type: 'snapshot' })
})
