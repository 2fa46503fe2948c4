// The output of `zw groups` as text: tables whose columns are as wide as their widest cell.

import type { GroupDetails, GroupListing, PlannedOffset } from '../../client/mq/mq-admin.ts'
import { tableLines } from '../table-lines.ts'
import { agoText } from '../times.ts'

export function listLines(groups: readonly GroupListing[]): readonly string[] {
  if (groups.length === 0) return ['There are no groups.']
  return table([
    ['group', 'state', 'type', 'coordinator'],
    ...groups.map(({ group, state, protocolType, coordinator }) => [
      group,
      state,
      protocolType === '' ? '-' : protocolType,
      `broker ${coordinator}`,
    ]),
  ])
}

export function describeLines(found: GroupDetails): readonly string[] {
  const { group, state, coordinator, generation, protocol, members, partitions } = found
  const by = protocol === '' ? '' : `, assignor ${protocol}`
  const lag = partitions.reduce((sum, one) => sum + (one.lag ?? 0), 0)
  return [
    `Group ${group}: ${state}, generation ${generation}${by}, coordinator broker ${coordinator}, lag ${lag}`,
    ...waitingLines(found),
    ...rebalanceLines(found),
    ...(members.length === 0 ? [] : ['', ...memberLines(found)]),
    ...(partitions.length === 0 ? [] : ['', ...partitionLines(found)]),
  ]
}

/** Whom it waits for, and for how long. */
function waitingLines({ waiting, members }: GroupDetails): readonly string[] {
  if (waiting === undefined) return []
  const awaited = members.filter(({ isAwaited }) => isAwaited)
  const names = awaited.map(({ memberId, clientId, host }) => `${memberId} (${clientId}, ${host})`)
  const whom = names.length === 0 ? 'more members' : names.join(', ')
  return [
    `Waits for ${whom}: since ${seconds(waiting.sinceMs)}, at most ${seconds(waiting.leftMs)} more`,
  ]
}

function rebalanceLines({ lastRebalance }: GroupDetails): readonly string[] {
  if (lastRebalance === undefined) return []
  const { reason, agoMs } = lastRebalance
  return [`Last rebalance ${agoText(agoMs)} ago: ${reason}`]
}

function memberLines({ members, leader }: GroupDetails): readonly string[] {
  return table([
    ['member', 'instance', 'client', 'host', 'partitions'],
    ...members.map(({ memberId, instanceId, clientId, host, partitions }) => [
      memberId === leader ? `${memberId} *` : memberId,
      instanceId ?? '-',
      clientId,
      host,
      partitions.map(({ topic, partition }) => `${topic}/${partition}`).join(' ') || '-',
    ]),
  ])
}

function partitionLines({ partitions }: GroupDetails): readonly string[] {
  const cell = (value: number | undefined) => (value === undefined ? '-' : String(value))
  return table([
    ['topic', 'partition', 'committed', 'end', 'lag', 'member'],
    ...partitions.map(({ topic, partition, committed, latest, lag, memberId }) => [
      topic,
      String(partition),
      cell(committed),
      cell(latest),
      cell(lag),
      memberId ?? '-',
    ]),
  ])
}

export function planLines(planned: readonly PlannedOffset[], isDone: boolean): readonly string[] {
  if (planned.length === 0) return ['The group committed nothing; name a --topic.']
  const lines = table([
    ['topic', 'partition', 'first', 'end', 'committed', 'new', 'lag'],
    ...planned.map(({ topic, partition, earliest, latest, committed, to }) => [
      topic,
      String(partition),
      String(earliest),
      String(latest),
      committed === undefined ? '-' : String(committed),
      String(to),
      String(latest - to),
    ]),
  ])
  const done = isDone ? 'The offsets are moved.' : 'Nothing is changed; --apply moves the offsets.'
  return [...lines, done]
}

const numbers: ReadonlySet<string> = new Set([
  'partition',
  'committed',
  'first',
  'end',
  'lag',
  'new',
])

/** @param rows the titles first */
function table([titles = [], ...rows]: readonly (readonly string[])[]): readonly string[] {
  const columns = titles.map((title, i) => {
    return { title, right: numbers.has(title), of: (row: readonly string[]) => row[i] ?? '' }
  })
  return tableLines(columns, rows)
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
