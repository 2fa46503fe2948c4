// The first configuration of an ensemble that may change.

import t from 'tap'
import type { ZabOptions } from '../../../src/daemon/zab/types.ts'
import { zxidZero } from '../../../src/protocol/zxid.ts'
import { epochs, ids, stateOf, z } from './leader-parts.ts'

const mayChange: Partial<ZabOptions> = { changeIn: () => undefined, text: 'own files' }
const agreed = { version: z(1, 0), voters: ids(1, 2, 4), text: 'files of 3' }

t.test('a leader gives the servers of its files the version of its epoch, once', async (t) => {
  const first = stateOf(3, mayChange)
  t.same(first.agreedIn(3), { version: z(3, 0), voters: [1, 2, 3], text: 'own files' })
  const later = stateOf(3, { ...mayChange, epochs: { ...epochs, agreed } })
  t.same(later.agreedIn(3), agreed)
  t.equal(stateOf(3).agreedIn(3), undefined, 'an ensemble that does not change has no version')
})

t.test('what is agreed on takes the place of the own files, with the epoch', async (t) => {
  const state = stateOf(3, mayChange)
  t.equal(state.configurations.state.last.version, zxidZero)
  state.saveEpochs({ acceptedEpoch: 3, currentEpoch: 3, agreed })
  t.same(state.membership.voters, [1, 2, 4])
  t.same(state.configurations.state.last, agreed)
  const again = stateOf(3, { ...mayChange, epochs: state.epochs })
  t.same(again.membership.voters, [1, 2, 4], 'after a restart, too')
})

t.test('what a transaction made of it stays', async (t) => {
  const last = { version: z(2, 4), voters: ids(1, 5), text: 'changed' }
  const configuration = { last, before: undefined }
  const state = stateOf(3, { ...mayChange, configuration })
  state.saveEpochs({ acceptedEpoch: 3, currentEpoch: 3, agreed })
  t.same(state.configurations.state.last, last)
})

t.test('when the ensemble may not change any more, the files say who votes', async (t) => {
  const state = stateOf(3, { epochs: { ...epochs, agreed } })
  t.same(state.membership.voters, [1, 2, 3])
  state.saveEpochs({ acceptedEpoch: 3 })
  t.equal(state.epochs.agreed, undefined, 'and what was agreed on is forgotten')
})
