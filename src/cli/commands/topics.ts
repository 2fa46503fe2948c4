// `zw topics`: lists, describes, creates, deletes and changes topics (topic-actions.ts), moves their
// replicas and leaders (reassign-actions.ts), and recovers
// a partition without a leader: `recover` shows its replicas and applies the operator's choice. The
// brokers decide which choices exist (broker/controller/recovery-choices.ts); without --apply nothing
// is changed, and a choice is valid only for the state that was shown.

import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import { BadUsage, cliCommand, outputOption, wholeNumber } from '../cli-command.ts'
import { mqOptions, openMq } from '../mq-options.ts'
import { toStdout } from '../output.ts'
import { elect, reassign } from './reassign-actions.ts'
import { recoveryLines } from './recovery-lines.ts'
import {
  addPartitions,
  alter,
  create,
  deleteRecords,
  describe,
  list,
  remove,
} from './topic-actions.ts'

const natural = (flag: string) => wholeNumber(flag, { min: 0, max: 2 ** 31 - 1 })
const positive = (flag: string) => wholeNumber(flag, { min: 1, max: 2 ** 31 - 1 })

const actions = {
  list,
  describe,
  create,
  delete: remove,
  alter,
  partitions: addPartitions,
  'delete-records': deleteRecords,
  reassign,
  elect,
} as const
const names = [
  'list',
  'describe',
  'create',
  'delete',
  'alter',
  'partitions',
  'delete-records',
  'reassign',
  'elect',
  'recover',
] as const

/** Actions for which a topic may be missing: all are meant. */
const withoutTopic: ReadonlySet<string> = new Set(['list', 'describe', 'reassign', 'elect'])

/** @throws BadUsage */
function rate(text: string | undefined): number | 'none' | undefined {
  if (text === undefined || text === 'none') return text
  return wholeNumber('--throttle', { min: 1, max: Number.MAX_SAFE_INTEGER })(text)
}

/** `1,2,3` @throws BadUsage */
function brokerIds(text: string | undefined): readonly number[] | undefined {
  if (text === undefined) return undefined
  const ids = text.split(',').map((id) => natural('--brokers')(id))
  if (new Set(ids).size === ids.length) return ids
  throw new BadUsage(`Cannot use --brokers ${text}: it names a broker twice`)
}

export const topics = cliCommand({
  command: 'topics <action> [topic]',
  valued: 'cops',
  usage: `zw topics list | describe [TOPIC] [--sizes]
       zw topics create TOPIC [--partitions N] [--replicas N] [--config NAME=VALUE …]
       zw topics delete TOPIC [-y]
       zw topics alter TOPIC [--config NAME=VALUE …] [--delete-config NAME …]
       zw topics partitions TOPIC --partitions N
       zw topics delete-records TOPIC --before N|end [--partition N] [-y]
       zw topics reassign [TOPIC] --brokers N,N… [--partition N] [--replicas N] [--execute] [--throttle BYTES]
       zw topics reassign --plan FILE [--execute] [--throttle BYTES]
       zw topics reassign [TOPIC] --list | --cancel | --throttle BYTES|none [--partition N]
       zw topics elect [TOPIC]
       zw topics recover TOPIC [--partition N] [--leader N --state-version N --apply]`,
  describe: 'list, describe, create, delete and change topics, or recover one without a leader',
  builder: (cli) =>
    mqOptions(
      cli
        .positional('action', {
          type: 'string',
          choices: names,
          demandOption: true,
          describe:
            'partitions adds some; delete-records removes the first ones; reassign moves replicas to other brokers; elect lets preferred replicas lead; recover shows replicas that could lead, and what is lost',
        })
        .positional('topic', { type: 'string', describe: 'name of the topic' }),
    )
      .option('partitions', {
        coerce: positive('--partitions'),
        describe: 'number of partitions; with the action partitions: afterwards',
      })
      .option('replicas', {
        coerce: positive('--replicas'),
        describe: 'replicas of each partition',
      })
      .option('config', {
        alias: 'c',
        type: 'string',
        array: true,
        default: [],
        describe: 'NAME=VALUE of the topic, as in Kafka: retention.ms=86400000; may be repeated',
      })
      .option('delete-config', {
        type: 'string',
        array: true,
        default: [],
        describe: "NAME of a value to delete: the brokers' holds again",
      })
      .option('yes', {
        alias: 'y',
        type: 'boolean',
        default: false,
        describe: 'delete without asking',
      })
      .option('before', {
        type: 'string',
        describe: 'delete-records: the first offset that stays; end: all committed ones go',
      })
      .option('sizes', {
        type: 'boolean',
        default: false,
        describe: 'describe: how many bytes each replica has',
      })
      .option('brokers', {
        type: 'string',
        coerce: brokerIds,
        describe: 'reassign: ids of the brokers over which replicas are spread: 1,2,3',
      })
      .option('plan', {
        type: 'string',
        describe:
          'reassign: a file with the wanted replicas, in the format of Kafka’s tool; -: stdin',
      })
      .option('execute', {
        type: 'boolean',
        default: false,
        describe: 'reassign: do it, and wait until it is done; without, the plan is only shown',
      })
      .option('list', {
        type: 'boolean',
        default: false,
        describe: 'reassign: show what is in progress',
      })
      .option('cancel', {
        type: 'boolean',
        default: false,
        describe: 'reassign: give partitions back the replicas that they had before',
      })
      .option('throttle', {
        type: 'string',
        coerce: rate,
        describe:
          'reassign: bytes per second at which each broker sends, and receives, what is copied; taken back at the end. Alone: of the moves in progress; none: of all, at once',
      })
      .option('output', outputOption)
      .option('partition', {
        alias: 'p',
        coerce: natural('--partition'),
        describe: 'one partition; default: all, with recover those without a leader',
      })
      .option('leader', {
        coerce: natural('--leader'),
        describe: 'recover: the broker whose replica becomes the leader',
      })
      .option('state-version', {
        coerce: natural('--state-version'),
        describe: 'recover: version of the state that was shown: the choice is valid only for it',
      })
      .option('apply', {
        type: 'boolean',
        default: false,
        describe: 'recover: apply the choice: records that this replica lacks are lost',
      }),
  async handler(words) {
    const { action, topic, partition, leader, stateVersion: version, apply } = words
    const choice = { partition, leader, version }
    if (apply && Object.values(choice).includes(undefined)) {
      throw new BadUsage(
        'Cannot apply a choice: it needs --partition, --leader and --state-version',
      )
    }
    if (!apply && (leader !== undefined || version !== undefined)) {
      throw new BadUsage('Cannot choose a leader without --apply')
    }
    if (topic === undefined && !withoutTopic.has(action)) {
      throw new BadUsage(`Cannot run zw topics ${action}: the name of a topic is missing`)
    }
    const place = await openMq(words)
    const admin = new MqAdmin(place.client)
    try {
      if (action !== 'recover') await actions[action](admin, words)
      else if (topic === undefined) return
      else if (partition !== undefined && leader !== undefined && version !== undefined) {
        await admin.recover({ topic, partition, leader, version })
        toStdout(`Broker ${leader} leads ${topic}/${partition}.\n`)
      } else await show(admin, topic, partition)
    } finally {
      admin.close()
      await place.close()
    }
  },
})

async function show(admin: MqAdmin, topic: string, one: number | undefined): Promise<void> {
  const found = await admin.topic(topic)
  if (found === undefined) throw new Error(`Cannot recover topic '${topic}': it does not exist`)
  const leaderless = found.partitions.filter(({ leader }) => leader === noBroker)
  const partitions = one === undefined ? leaderless.map(({ partition }) => partition) : [one]
  if (partitions.length === 0) toStdout(`All partitions of ${topic} have a leader.\n`)
  for (const partition of partitions) {
    const choices = await admin.recoveryChoices(topic, partition)
    toStdout(`${recoveryLines({ topic, partition }, choices).join('\n')}\n`)
  }
}
