// `zw topics recover`: a partition without a leader, what its replicas hold, and a person's choice. The
// brokers decide what can be chosen (broker/controller/recovery-choices.ts); without --apply nothing is
// changed, and a choice holds for the state that was shown only.

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
  describe: 'show what a partition without a leader has left, or choose one of its replicas',
  builder: (cli) =>
    mqOptions(
      cli
        .positional('action', {
          type: 'string',
          choices: ['recover'] as const,
          demandOption: true,
          describe: 'recover: who could lead, and what would be lost',
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
        describe: 'one partition; without it, all that have no leader',
      })
      .option('leader', {
        coerce: natural('--leader'),
        describe: 'the broker whose replica is to lead',
      })
      .option('state-version', {
        coerce: natural('--state-version'),
        describe: 'of the state that was shown: the choice holds for no other',
      })
      .option('apply', {
        type: 'boolean',
        default: false,
        describe: 'do it: what that replica lacks is lost',
      }),
  async handler({ topic, partition, leader, stateVersion: version, apply, server, broker }) {
    const choice = { partition, leader, version }
    if (apply && Object.values(choice).includes(undefined)) {
      throw new BadUsage(
        'Cannot apply a choice: --partition, --leader and --state-version must name it',
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
  if (found === undefined) throw new Error(`Cannot recover topic '${topic}': there is none`)
  const leaderless = found.partitions.filter(({ leader }) => leader === noBroker)
  const partitions = one === undefined ? leaderless.map(({ partition }) => partition) : [one]
  if (partitions.length === 0) toStdout(`All partitions of ${topic} have a leader.\n`)
  for (const partition of partitions) {
    const choices = await admin.recoveryChoices(topic, partition)
    toStdout(`${recoveryLines({ topic, partition }, choices).join('\n')}\n`)
  }
}
