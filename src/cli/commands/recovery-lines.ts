// The output of `zw topics recover` for one partition: a row per replica, then the possible
// choices.
//
//   goals/0 has no leader: epoch 7, version 12.
//     broker  log       in sync  ends at  epoch  committed  loses at most
//          1  tail-cut  yes           98      5         90  2
//          2  away      yes            -      -          -
//   To have broker 1 lead: zw topics recover goals --partition 0 --leader 1 --state-version 12 --apply

import { noBroker } from '../../protocol/mq/messages.ts'
import type { RecoveryChoice, RecoveryChoices } from '../../protocol/mq/recover.ts'
import { type Column, tableLines } from '../table-lines.ts'

interface Place {
  readonly topic: string
  readonly partition: number
}

const columns: readonly Column<RecoveryChoice>[] = [
  { title: 'broker', right: true, of: ({ broker }: RecoveryChoice) => String(broker) },
  { title: 'log', right: false, of: ({ condition }: RecoveryChoice) => condition },
  { title: 'in sync', right: false, of: membership },
  { title: 'ends at', right: true, of: ({ end }: RecoveryChoice) => numberOr(end) },
  { title: 'epoch', right: true, of: epochOf },
  {
    title: 'committed',
    right: true,
    of: ({ highWatermark }: RecoveryChoice) => numberOr(highWatermark),
  },
  { title: 'loses at most', right: false, of: lossOf },
]

export function recoveryLines({ topic, partition }: Place, found: RecoveryChoices): string[] {
  const { version, leader, leaderEpoch, choices } = found
  const led = leader === noBroker ? 'has no leader' : `is led by broker ${leader}`
  const table = tableLines(columns, choices).map((line) => `  ${line}`)
  const details = choices.flatMap(({ broker, detail }) =>
    detail === '' ? [] : [`  broker ${broker}: ${detail}`],
  )
  return [
    `${topic}/${partition} ${led}: epoch ${leaderEpoch}, version ${version}.`,
    ...table,
    ...details,
    ...adviceOn(choices).map((line) => `  ${line}`),
    ...choices.flatMap(({ broker, mayLead }) => {
      const flags = `--partition ${partition} --leader ${broker} --state-version ${version} --apply`
      return mayLead ? [`  To have broker ${broker} lead: zw topics recover ${topic} ${flags}`] : []
    }),
  ]
}

function adviceOn(choices: readonly RecoveryChoice[]): string[] {
  const clean = choices.filter(({ losesAtMost }) => losesAtMost === 0)
  if (clean.length > 0) {
    return [`Choosing broker ${clean.map(({ broker }) => broker).join(' or ')} loses nothing.`]
  }
  const missing = choices.filter(({ condition }) => condition === 'away')
  if (missing.length === 0) return ['Any choice may lose records.']
  const brokers = missing.map(({ broker }) => broker).join(', ')
  return [`Any choice may lose records. If broker ${brokers} returns, possibly nothing is lost.`]
}

function membership({ isInSync, isEligible }: RecoveryChoice): string {
  return isInSync ? 'yes' : isEligible ? 'eligible' : 'no'
}

function epochOf({ end, lastEpoch }: RecoveryChoice): string {
  return end === undefined ? '-' : String(lastEpoch)
}

function lossOf({ mayLead, losesAtMost }: RecoveryChoice): string {
  if (!mayLead) return ''
  return losesAtMost === undefined ? 'unknown' : losesAtMost === 0 ? 'nothing' : String(losesAtMost)
}

function numberOr(value: number | undefined): string {
  return value === undefined ? '-' : String(value)
}
