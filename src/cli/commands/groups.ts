// `zw groups`: lists and describes consumer groups, moves their offsets, deletes them. A reset shows what
// it would do, and does it with --apply. Output: group-lines.ts.

import {
  BrokerError,
  type GroupDetails,
  MqAdmin,
  type OffsetTarget,
} from '../../client/mq/mq-admin.ts'
import { BadUsage, cliCommand, outputOption, wholeNumber } from '../cli-command.ts'
import { mqOptions, openMq } from '../mq-options.ts'
import { toStdout } from '../output.ts'
import { durationForms, timeForms } from '../times.ts'
import { describeLines, listLines, planLines } from './group-lines.ts'
import { offsetTarget, type TargetFlags } from './offset-target.ts'

const safeMax = Number.MAX_SAFE_INTEGER

export const groups = cliCommand({
  command: 'groups <action> [group]',
  valued: 'tpos',
  usage: `zw groups list | describe GROUP | delete GROUP
       zw groups reset-offsets GROUP --to start|end|N | --shift N | --to-datetime TIME | --by-duration TIME
                               [--topic T [--partition N]] [--apply]`,
  describe: 'show consumer groups, their members and lag; move their offsets, or delete them',
  builder: (cli) =>
    mqOptions(
      cli
        .positional('action', {
          type: 'string',
          choices: ['list', 'describe', 'reset-offsets', 'delete'] as const,
          demandOption: true,
          describe: 'reset-offsets moves the offsets of a group without members',
        })
        .positional('group', { type: 'string', describe: 'name of the group' }),
    )
      .option('to', {
        type: 'string',
        describe: 'reset-offsets: start, end, or an offset; beyond a log, its nearest end',
      })
      .option('to-datetime', {
        type: 'string',
        describe: `reset-offsets: the first records from this time on: ${timeForms}`,
      })
      .option('by-duration', {
        type: 'string',
        describe: `reset-offsets: the first records of the last ${durationForms}`,
      })
      .option('shift', {
        alias: 'shift-by',
        coerce: wholeNumber('--shift', { min: -safeMax, max: safeMax }),
        describe: 'reset-offsets: so many records forward, or back: --shift=-10',
      })
      .option('topic', {
        alias: 't',
        type: 'string',
        describe: 'reset-offsets: this topic; default: all for which the group committed',
      })
      .option('partition', {
        alias: 'p',
        coerce: wholeNumber('--partition', { min: 0, max: 2 ** 31 - 1 }),
        describe: 'reset-offsets: this partition of the topic; default: all',
      })
      .option('apply', {
        type: 'boolean',
        default: false,
        describe: 'reset-offsets: do it; without, it is only shown',
      })
      .option('output', outputOption),
  async handler(given) {
    const { action, output } = given
    const asked = askedBy(given)
    const place = await openMq(given)
    const admin = new MqAdmin(place.client)
    const print = (value: unknown, lines: readonly string[]) => {
      toStdout(output === 'json' ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`)
    }
    try {
      if (action === 'list') {
        const listed = await admin.groups()
        print(listed, listLines(listed))
        return
      }
      switch (action) {
        case 'describe': {
          const found = await existing(admin, asked.group)
          print(found, describeLines(found))
          return
        }
        case 'delete':
          await admin.deleteGroup(asked.group)
          print({ deleted: asked.group }, [`Deleted group '${asked.group}' and its offsets.`])
          return
        case 'reset-offsets': {
          const { group, topic, partitions, to, apply } = asked
          // A group may be given its offsets before its first member comes.
          if (topic === undefined) await existing(admin, group)
          const reset = {
            ...(topic === undefined ? {} : { topic }),
            ...(partitions === undefined ? {} : { partitions }),
            to: to ?? { type: 'start' },
          }
          const planned = await admin.planOffsets(group, reset)
          if (apply) await admin.applyOffsets(group, planned)
          print({ group, applied: apply, offsets: planned }, planLines(planned, apply))
          return
        }
      }
    } finally {
      admin.close()
      await place.close()
    }
  },
})

interface Asked {
  readonly group: string
  readonly to: OffsetTarget | undefined
  readonly topic: string | undefined
  readonly partitions: readonly number[] | undefined
  readonly apply: boolean
}

interface Given extends TargetFlags {
  readonly action: string
  readonly group: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly apply: boolean
}

/** @throws BadUsage */
function askedBy(given: Given): Asked {
  const { action, group = '', topic, partition, apply } = given
  if (action !== 'list' && group === '') {
    throw new BadUsage(`Cannot run zw groups ${action}: the name of the group is missing`)
  }
  const to = offsetTarget(given, Date.now())
  if (action === 'reset-offsets' && to === undefined) {
    throw new BadUsage(
      'Cannot reset offsets: it needs --to start, end or an offset, --shift, --to-datetime or --by-duration',
    )
  }
  const isReset = to !== undefined || apply || topic !== undefined || partition !== undefined
  if (action !== 'reset-offsets' && isReset) {
    throw new BadUsage(`Cannot use zw groups ${action} with a flag of reset-offsets`)
  }
  if (partition !== undefined && topic === undefined) {
    throw new BadUsage('Cannot use --partition without --topic')
  }
  const partitions = partition === undefined ? undefined : [partition]
  return { group, to, topic, partitions, apply }
}

/** @throws BrokerError */
async function existing(admin: MqAdmin, group: string): Promise<GroupDetails> {
  const found = await admin.group(group)
  if (found !== undefined) return found
  throw new BrokerError('GROUP_ID_NOT_FOUND', `Cannot find group '${group}': it does not exist`)
}
