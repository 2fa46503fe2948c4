import t from 'tap'
import { Membership } from '../../../src/daemon/zab/membership.ts'
import { majority } from '../../../src/daemon/zab/quorum.ts'
import { id, ids, inStep, joined, learnersOf, promised, syncing } from './leader-parts.ts'

t.test('learners are listed by ascending id, whenever they came', async (t) => {
  const learners = learnersOf({ 2: joined(), 5: joined(), 3: joined() })
  t.same(
    learners.sorted.map(([number]) => number),
    [2, 3, 5],
  )
  learners.delete(id(3))
  learners.add(id(1), joined())
  t.same(
    learners.sorted.map(([number]) => number),
    [1, 2, 5],
  )
  t.notOk(learners.has(id(3)))
})

t.test('a walk is not disturbed by a learner that is deleted during it', async (t) => {
  const learners = learnersOf({ 2: joined(), 3: joined(), 4: joined() })
  const walked: number[] = []
  for (const [number] of learners.sorted) {
    walked.push(number)
    learners.delete(id(3))
  }
  t.same(walked, [2, 3, 4])
})

t.test('those in step acknowledged our history', async (t) => {
  const learners = learnersOf({ 4: inStep(), 2: inStep(), 3: syncing(), 5: promised() })
  t.same(learners.inStep, [2, 4])
  t.same(learners.counts(new Membership(majority(ids(1, 2, 3)))), {
    connected: 4,
    syncedFollowers: 1,
    syncedObservers: 1,
  })
})

t.test('a learner that our history is on its way to is synchronizing', async (t) => {
  t.ok(learnersOf({ 2: inStep(), 3: syncing() }).isSynchronizing)
  t.notOk(learnersOf({ 2: inStep(), 3: promised() }).isSynchronizing)
})

t.test('the highest accepted epoch is that of any of them', async (t) => {
  t.equal(learnersOf({}).acceptedEpoch, 0)
  const learners = learnersOf({ 2: joined({ acceptedEpoch: 7 }), 3: joined() })
  t.equal(learners.acceptedEpoch, 7)
})
