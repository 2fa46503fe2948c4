// `zw groups`: lists and describes consumer groups, moves their offsets, deletes them. A reset shows what
// it would do, and does it with --apply. Output: group-lines.ts.

import { type GroupDetails, MqAdmin, type OffsetTarget } from '../../client/mq/mq-admin.ts'
import { BadUsage, cliCommand, wholeNumber } from '../cli-command.ts'
import { mqOptions, openMq } from '../mq-options.ts'
import { toStdout } from '../output.ts'
import { describeLines, listLines, planLines } from './group-lines.ts'

const safeMax = Number.MAX_SAFE_INTEGER

export const groups = cliCommand({
  command: 'groups <action> [group]',
  valued: 'tpos',
  usage:
    'zw groups list | describe GROUP | delete GROUP | reset-offsets GROUP --to … [--topic T] [--apply]',
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
      .option('shift', {
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
      .option('output', {
        alias: 'o',
        choices: ['text', 'json'] as const,
        default: 'text' as const,
        describe: 'what is printed: lines, or one JSON value',
      }),
  async handler(given) {
    const { action, server, broker, output } = given
    const asked = askedBy(given)
    const place = await openMq({ server, broker })
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
      const found = await existing(admin, asked.group)
      switch (action) {
        case 'describe':
          print(found, describeLines(found))
          return
        case 'delete':
          await admin.deleteGroup(asked.group)
          print({ deleted: asked.group }, [`Deleted group '${asked.group}' and its offsets.`])
          return
        case 'reset-offsets': {
          const { group, topic, partitions, to, apply } = asked
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

/** @throws BadUsage */
function askedBy(given: {
  readonly action: string
  readonly group: string | undefined
  readonly to: string | undefined
  readonly shift: number | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly apply: boolean
}): Asked {
  const { action, group = '', topic, partition, apply } = given
  if (action !== 'list' && group === '') {
    throw new BadUsage(`Cannot run zw groups ${action}: the name of the group is missing`)
  }
  const to = targetOf(given.to, given.shift)
  if (action === 'reset-offsets' && to === undefined) {
    throw new BadUsage('Cannot reset offsets: it needs --to start, --to end, --to N or --shift N')
  }
  if (action !== 'reset-offsets' && (to !== undefined || apply)) {
    throw new BadUsage(`Cannot use --to, --shift or --apply with zw groups ${action}`)
  }
  if (partition !== undefined && topic === undefined) {
    throw new BadUsage('Cannot use --partition without --topic')
  }
  const partitions = partition === undefined ? undefined : [partition]
  return { group, to, topic, partitions, apply }
}

/** @throws BadUsage */
function targetOf(to: string | undefined, by: number | undefined): OffsetTarget | undefined {
  if (to !== undefined && by !== undefined) throw new BadUsage('Cannot use --to with --shift')
  if (by !== undefined) return { type: 'shift', by }
  if (to === undefined) return undefined
  if (to === 'start' || to === 'end') return { type: to }
  if (/^\d{1,16}$/.test(to) && Number.isSafeInteger(Number(to))) {
    return { type: 'offset', offset: Number(to) }
  }
  throw new BadUsage(`Cannot use --to ${to}: it must be start, end or an offset`)
}

/** @throws Error: exit code 1 */
async function existing(admin: MqAdmin, group: string): Promise<GroupDetails> {
  const found = await admin.group(group)
  if (found === undefined) throw new Error(`Cannot find group '${group}': it does not exist`)
  return found
}
