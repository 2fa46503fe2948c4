import t from 'tap'
import {
  type ConfigRow,
  defaultText,
  readConfigValue,
  type TopicConfigName,
  topicConfigNames,
  topicConfigRow,
  topicConfigRows,
} from '../../../src/broker/cluster/topic-config.ts'
import { brokerProgram } from '../../../src/broker/config-rows.ts'
import type { OptionRow } from '../../../src/option-rows.ts'

const good: readonly [TopicConfigName, string, unknown][] = [
  ['retention.ms', '1000', 1000],
  ['retention.ms', ' -1 ', -1],
  ['retention.ms', '9223372036854775807', Number.MAX_SAFE_INTEGER],
  ['segment.bytes', '14', 14],
  ['max.message.bytes', '+7340032', 7340032],
  ['min.cleanable.dirty.ratio', '0.01', 0.01],
  ['min.cleanable.dirty.ratio', '1', 1],
  ['cleanup.policy', 'compact', ['compact']],
  ['cleanup.policy', ' compact, delete,compact', ['compact', 'delete']],
  ['message.timestamp.type', 'LogAppendTime', 'LogAppendTime'],
  ['unclean.leader.election.enable', 'False', 'false'],
  ['compression.type', 'producer', 'producer'],
  ['leader.replication.throttled.replicas', '', new Set()],
  ['leader.replication.throttled.replicas', ' * ', new Set(['*'])],
  [
    'follower.replication.throttled.replicas',
    '0:1, 12:2147483647',
    new Set(['0:1', '12:2147483647']),
  ],
]
for (const [name, text, value] of good) {
  t.test(`${name} may be '${text}'`, async (t) => {
    t.same(readConfigValue(topicConfigRows[name], text), { type: 'value', value })
  })
}

const bad: readonly [TopicConfigName, string, RegExp][] = [
  ['retention.ms', '-2', /from -1$/],
  ['retention.ms', '', /number/],
  ['retention.ms', '1e3', /number/],
  ['retention.ms', '9223372036854775808', /number/],
  ['segment.bytes', '13', /from 14/],
  ['segment.bytes', '2147483648', /number/],
  ['max.message.bytes', '7340033', /to 7340032/],
  ['min.insync.replicas', '0', /from 1/],
  ['min.cleanable.dirty.ratio', '1.1', /0 to 1/],
  ['min.cleanable.dirty.ratio', 'NaN', /0 to 1/],
  ['cleanup.policy', '', /list of delete, compact/],
  ['cleanup.policy', 'delete,shred', /list of delete, compact/],
  ['message.timestamp.type', 'createtime', /CreateTime/],
  ['unclean.leader.election.enable', 'true', /zw topics recover/],
  ['compression.type', 'gzip', /as the producer/],
  ['leader.replication.throttled.replicas', '*,0:1', /partition:broker/],
  ['leader.replication.throttled.replicas', '0', /partition:broker/],
  ['leader.replication.throttled.replicas', '0:-1', /partition:broker/],
  ['follower.replication.throttled.replicas', '0:1:2', /partition:broker/],
  ['follower.replication.throttled.replicas', '0:2147483648', /partition:broker/],
]
for (const [name, text, reason] of bad) {
  t.test(`${name} cannot be '${text}'`, async (t) => {
    t.match(readConfigValue(topicConfigRows[name], text), { type: 'bad', reason })
  })
}

t.test('every default is a value of its row', async (t) => {
  for (const name of topicConfigNames) {
    const row: ConfigRow = topicConfigRows[name]
    const text = defaultText(row)
    if (text !== undefined) t.match(readConfigValue(row, text), { type: 'value' }, name)
  }
})

t.test(
  'a broker’s option for a topic’s default has the same default and the same bounds',
  async (t) => {
    const options: Readonly<Record<string, OptionRow>> = brokerProgram.rows
    for (const name of topicConfigNames) {
      const row: ConfigRow = topicConfigRows[name]
      const { broker } = topicConfigRows[name]
      if (broker === undefined) continue
      const option = options[broker]
      // An option cannot be a fraction yet; dynamic configuration can.
      if (row.type === 'double') continue
      if (option?.type === 'refused') {
        t.same(option.unless, [defaultText(row)], name)
      } else if (option?.type === 'choice') {
        t.equal(option.default, defaultText(row), name)
        for (const one of option.choices) t.match(readConfigValue(row, one), { type: 'value' }, one)
      } else if (option?.type === 'integer') {
        t.equal(option.default, row.default, name)
        for (const one of [option.min, option.max]) {
          t.match(readConfigValue(row, String(one)), { type: 'value', value: one }, name)
        }
      } else t.fail(`${name} has no option`)
    }
  },
)

t.test('a name from outside is looked up as it is', async (t) => {
  t.equal(topicConfigRow('retention.ms'), topicConfigRows['retention.ms'])
  for (const name of ['toString', '__proto__', 'log.retention.ms', '']) {
    t.equal(topicConfigRow(name), undefined, name)
  }
})
