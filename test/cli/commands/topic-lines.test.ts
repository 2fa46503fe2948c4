import t from 'tap'
import {
  describeJson,
  describeLines,
  listJson,
  listLines,
} from '../../../src/cli/commands/topic-lines.ts'
import type { ConfigEntry } from '../../../src/protocol/mq/configs.ts'
import { noBroker } from '../../../src/protocol/mq/messages.ts'
import type { PartitionInfo, TopicInfo } from '../../../src/protocol/mq/metadata.ts'
import { ids } from '../../broker/partition/members.ts'

const [one] = ids(1)
const whole: PartitionInfo = {
  partition: 0,
  leader: one ?? noBroker,
  leaderEpoch: 4,
  replicas: ids(1, 2, 3),
  isr: ids(1, 2, 3),
  problems: [],
}
const poor: PartitionInfo = { ...whole, partition: 1, isr: ids(1) }
const led = { leader: noBroker, isr: ids(2), problems: [{ broker: noBroker, reason: 'no state' }] }
const leaderless: PartitionInfo = { ...whole, partition: 2, ...led }

function topic(...partitions: PartitionInfo[]): TopicInfo {
  return { topic: 'goals', topicId: 'x', problem: undefined, partitions }
}

const entry: ConfigEntry = {
  name: 'retention.ms',
  value: '5',
  source: 'topic',
  isReadOnly: false,
  type: 'long',
  about: '',
  synonyms: [],
}
const byDefault: ConfigEntry = { ...entry, name: 'segment.ms', source: 'default' }
const offsets = new Map([[0, { partition: 0, earliest: 3, latest: 120 }]])

t.test('a list counts what needs a look', async (t) => {
  t.same(listLines([topic(whole), topic(whole, poor, leaderless)]), [
    'topic  partitions  replicas',
    'goals           1         3',
    'goals           3         3  1 without a leader, 2 under-replicated',
  ])
  t.same(listLines([]), ['There are no topics.'])
  t.same(listJson([topic(poor, leaderless)]), [
    {
      topic: 'goals',
      topicId: 'x',
      partitions: 2,
      replicas: 3,
      underReplicated: 2,
      withoutLeader: 1,
    },
  ])
})

t.test('a description has a row per partition, and the values that are set', async (t) => {
  const info = topic(whole, poor, leaderless)
  t.same(describeLines({ info, offsets, configs: [entry, byDefault], sizes: undefined }), [
    'goals: 3 partitions, id x',
    '  retention.ms=5 (topic)',
    '  partition  leader  epoch  replicas  in sync  first  next',
    '          0       1      4  1,2,3     1,2,3        3   120',
    '          1       1      4  1,2,3     1            -     -  under-replicated',
    '          2       -      4  1,2,3     2            -     -  no leader; no state',
  ])
  t.match(describeJson({ info, offsets, configs: [entry, byDefault], sizes: undefined }), {
    topic: 'goals',
    partitions: [
      { partition: 0, leader: 1, earliest: 3, latest: 120, underReplicated: false },
      { partition: 1, leader: 1, earliest: null, underReplicated: true },
      { partition: 2, leader: null },
    ],
    configs: {
      'retention.ms': { value: '5', source: 'topic' },
      'segment.ms': { source: 'default' },
    },
  })
})

t.test('settings that our user may not see are said to be hidden', async (t) => {
  const described = { info: topic(whole), offsets, configs: undefined, sizes: undefined }
  t.match(describeLines(described)[1], /settings are not shown: no rule allows describeConfigs/)
  t.match(describeJson(described), { configs: null })
})

t.test('a topic that cannot be read shows why', async (t) => {
  const info = { ...topic(), problem: 'znode garbled' }
  t.same(describeLines({ info, offsets: new Map(), configs: [], sizes: undefined }), [
    'goals: znode garbled',
  ])
})

t.test(
  'sizes stand in the order of the replicas, and a silent broker is no size of 0',
  async (t) => {
    const sizes = [
      { broker: 3, partition: 0, sizeBytes: 300, lag: 4 },
      { broker: 1, partition: 0, sizeBytes: 900, lag: 0 },
    ]
    const described = { info: topic(whole), offsets, configs: [], sizes }
    t.match(describeLines(described).join('\n'), /next {2}bytes\n.* 120 {2}900,-,300$/)
    t.match(describeJson(described), {
      partitions: [
        {
          sizes: [
            { broker: 1, sizeBytes: 900, lag: 0 },
            { broker: 2, sizeBytes: null, lag: null },
            { broker: 3, sizeBytes: 300, lag: 4 },
          ],
        },
      ],
    })
  },
)
