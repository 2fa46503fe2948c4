// `zw topics recover`: shows the replicas of a partition without a leader, and applies the
// operator's choice. The brokers decide which choices exist
// (broker/controller/recovery-choices.ts); without --apply nothing is changed, and a choice is
// valid only for the state that was shown.

import { MqAdmin } from '../../client/mq/mq-admin.ts'
import { noBroker } from '../../protocol/mq/messages.ts'
import { BadUsage, cliCommand, wholeNumber } from '../cli-command.ts'
import { mqOptions, openMq } from '../mq-options.ts'
import { toStdout } from '../output.ts'
import { recoveryLines } from './recovery-lines.ts'

const natural = (flag: string) => wholeNumber(flag, { min: 0, max: 2 ** 31 - 1 })

export const topics = cliCommand({
  command: 'topics <action> <topic>',
  usage: 'zw topics recover TOPIC [--partition N] [--leader N --state-version N --apply]',
  describe: 'show the replicas of a partition without a leader, or choose one of them',
  builder: (cli) =>
    mqOptions(
      cli
        .positional('action', {
          type: 'string',
          choices: ['recover'] as const,
          demandOption: true,
          describe: 'recover: the replicas that could lead, and what would be lost',
        })
        .positional('topic', {
          type: 'string',
          demandOption: true,
          describe: 'name of the topic',
        }),
    )
      .option('partition', {
        alias: 'p',
        coerce: natural('--partition'),
        describe: 'one partition; default: all without a leader',
      })
      .option('leader', {
        coerce: natural('--leader'),
        describe: 'the broker whose replica becomes the leader',
      })
      .option('state-version', {
        coerce: natural('--state-version'),
        describe: 'version of the state that was shown: the choice is valid only for it',
      })
      .option('apply', {
        type: 'boolean',
        default: false,
        describe: 'apply the choice: records that this replica lacks are lost',
      }),
  async handler({ topic, partition, leader, stateVersion: version, apply, server, broker }) {
    const choice = { partition, leader, version }
    if (apply && Object.values(choice).includes(undefined)) {
      throw new BadUsage(
        'Cannot apply a choice: it needs --partition, --leader and --state-version',
      )
    }
    if (!apply && (leader !== undefined || version !== undefined)) {
      throw new BadUsage('Cannot choose a leader without --apply')
    }
    const place = await openMq({ server, broker })
    const admin = new MqAdmin(place.client)
    try {
      if (partition !== undefined && leader !== undefined && version !== undefined) {
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
