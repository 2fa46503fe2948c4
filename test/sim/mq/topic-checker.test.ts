// One history for each way to break a promise about topics that come and go.

import t from 'tap'
import { type SeenTopic, TopicChecker, type TopicRecord } from './topic-checker.ts'

const seen = (topicId: string, more: Partial<SeenTopic> = {}): SeenTopic => ({
  ...{ topic: 't', topicId, replicas: [[1, 2]], ledCount: 1 },
  ...more,
})
const record = (topicId: string, value: string, offset = 0): TopicRecord => ({
  ...{ topicId, partition: 0, offset, value },
})

/** A topic that is there, with one acknowledged record. */
function withRecord(): TopicChecker {
  const checker = new TopicChecker()
  checker.creating('t')
  checker.topicsAre([seen('A')])
  checker.sent('t', 'a')
  checker.committed(record('A', 'a'))
  checker.stored(record('A', 'a'))
  return checker
}

/** The same topic, deleted. */
function deleted(): TopicChecker {
  const checker = withRecord()
  checker.deleting('A')
  checker.topicsAre([])
  return checker
}

t.test('a topic that is deleted and created again is taken', async (t) => {
  const checker = deleted()
  checker.deleted('A')
  t.ok(checker.isGone('A'))
  checker.topicsAre([seen('B', { replicas: [[1], [2]], ledCount: 2 })])
  checker.hasPartitions('t', 2)
  checker.sent('t', 'b')
  checker.committed(record('B', 'b'))
  checker.stored(record('B', 'b'))
  t.doesNotThrow(() => checker.end())
})

t.test('a record that was given up may be in the next topic of its name', async (t) => {
  const checker = deleted()
  checker.sent('t', 'late')
  checker.topicsAre([seen('B')])
  t.doesNotThrow(() => checker.committed(record('B', 'late')))
})

const broken: readonly { readonly rule: RegExp; readonly run: () => void }[] = [
  { rule: /comes only when it is asked for/, run: () => new TopicChecker().topicsAre([seen('A')]) },
  { rule: /goes only when its deletion is asked/, run: () => withRecord().topicsAre([]) },
  { rule: /created again is another/, run: () => deleted().topicsAre([seen('A')]) },
  { rule: /gone when its deletion is answered/, run: () => withRecord().deleted('A') },
  { rule: /stay where they are/, run: () => withRecord().topicsAre([seen('A', { replicas: [] })]) },
  {
    rule: /stay where they are/,
    run: () => withRecord().topicsAre([seen('A', { replicas: [[2, 3], [1]] })]),
  },
  { rule: /partitions are there/, run: () => withRecord().hasPartitions('t', 2) },
  {
    rule: /partitions are there/,
    run: () => {
      const checker = withRecord()
      checker.topicsAre([seen('A', { ledCount: 0 })])
      checker.hasPartitions('t', 1)
    },
  },
  {
    rule: /record of a deleted topic is in no other/,
    run: () => {
      const checker = deleted()
      checker.topicsAre([seen('B')])
      checker.committed(record('B', 'a'))
    },
  },
  { rule: /was sent to it/, run: () => withRecord().committed(record('A', 'other', 1)) },
  { rule: /replicas of a topic are equal/, run: () => withRecord().committed(record('A', 'b')) },
  { rule: /has no gaps/, run: () => withRecord().committed(record('A', 'b', 2)) },
  {
    rule: /acknowledged record is in its topic/,
    run: () => {
      const checker = withRecord()
      checker.sent('t', 'b')
      checker.stored(record('A', 'b', 1))
      checker.end()
    },
  },
]

for (const { rule, run } of broken) {
  t.test(`the judge refuses what breaks the rule ${rule.source}`, async (t) => {
    t.throws(run, { name: 'InvariantError', message: rule })
  })
}
