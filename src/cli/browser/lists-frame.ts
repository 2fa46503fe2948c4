// The partitions of the topic, consumer groups, and topics, each as a table in a box. Pure.

import type { GroupDetails, GroupMemberDetails } from '../../client/mq/mq-admin.ts'
import { scrolledBox } from '../consumer/bars.ts'
import { fit, columns as widthOf, wrapWords } from '../consumer/cells.ts'
import { shortCount } from '../consumer/cluster-boxes.ts'
import {
  type Line,
  padded,
  plainLine,
  type Size,
  span,
  type Tone,
} from '../consumer/screen-lines.ts'
import type { Scroll } from '../consumer/scroll.ts'
import { agoText } from '../times.ts'
import {
  type GroupFacts,
  type GroupsFacts,
  lagOf,
  type PartitionFacts,
  type TopicFacts,
} from './browser-facts.ts'
import type { LagTrend } from './lag-history.ts'
import type { ListCursor } from './list-cursor.ts'
import { sparkOf } from './rate-history.ts'
import { type Column, cellsText, type Row, tableBox } from './table-frame.ts'

// --- partitions ----------------------------------------------------------------------------------

export function partitionsBox(
  partitions: readonly PartitionFacts[],
  place: Size & { readonly cursor: ListCursor; readonly isFocused: boolean },
): Line[] {
  const isWide = place.columns >= 60
  const heads: Column[] = [
    { title: 'part', width: 4, isNumber: true },
    ...(isWide ? [{ title: 'first', width: 11, isNumber: true }] : []),
    { title: 'position', width: isWide ? 12 : 9, isNumber: true },
    ...(isWide ? [{ title: 'end', width: 12, isNumber: true }] : []),
    { title: 'lag', width: isWide ? 9 : 5, isNumber: true },
    { title: isWide ? 'leader' : 'led', width: isWide ? 6 : 3, isNumber: true },
    { title: '' },
  ]
  const items = partitions.map((facts): Row => {
    const { partition, start, position, end, leader, isPaused } = facts
    const lag = lagOf(facts)
    const cells = [
      String(partition),
      ...(isWide ? [numberText(start)] : []),
      String(position),
      ...(isWide ? [numberText(end)] : []),
      lag === undefined ? '?' : isWide ? String(lag) : shortCount(lag),
      leader === undefined ? '-' : String(leader),
      isPaused ? 'paused' : lagBar(facts),
    ]
    const tone = leader === undefined ? 'bad' : isPaused ? 'warn' : 'text'
    return { cells, tone }
  })
  return tableBox({ ...place, label: 'partitions', heads, items, empty: 'not known yet' })
}

function numberText(value: number | undefined): string {
  return value === undefined ? '?' : String(value)
}

const barColumns = 8

/** How far the reader is between the first and the last offset. */
function lagBar({ start, end, position }: PartitionFacts): string {
  if (start === undefined || end === undefined || end <= start) return ''
  const share = Math.max(0, Math.min(1, (position - start) / (end - start)))
  const full = Math.floor(share * barColumns)
  return '█'.repeat(full) + '▁'.repeat(barColumns - full)
}

// --- groups --------------------------------------------------------------------------------------

/** The groups, and below them the members and offsets of the selected one. */
export function groupsBoxes(
  groups: GroupsFacts | undefined,
  place: Size & {
    readonly cursor: ListCursor
    /** of the lower box, which keys scroll if `isInGroup` */
    readonly scroll: Scroll
    readonly isInGroup: boolean
  },
): Line[] {
  const { columns, rows, cursor, scroll, isInGroup } = place
  const all = groups?.groups ?? []
  const problem = groups?.problem ?? ''
  const notes = problem === '' ? [] : [plainLine(` ${problem}`, columns, 'warn')]
  const upperMin = 5
  const upper = Math.max(upperMin, Math.min(all.length + 3, Math.floor((rows - notes.length) / 2)))
  const heads: Column[] = [
    { title: 'group' },
    { title: 'state', width: columns >= 60 ? 20 : 8 },
    { title: 'members', width: 7, isNumber: true },
    { title: 'lag', width: columns >= 60 ? 9 : 6, isNumber: true },
    ...trendColumn(columns >= 60),
  ]
  const items = all.map(({ group, state, details, trend }): Row => {
    const lag = details === undefined ? undefined : groupLag(details)
    const members = details === undefined ? '?' : String(details.members.length)
    const isWaiting = details?.waiting !== undefined
    const tone = isWaiting || (lag ?? 0) > 0 ? 'warn' : 'text'
    const cells = [group, state, members, numberText(lag), trendText(trend?.perSecond)]
    return { cells, tone }
  })
  const empty = groups === undefined ? 'not known yet' : 'no groups'
  const shared = { columns, heads, items, cursor, isFocused: !isInGroup, empty }
  const upperLines = tableBox({ ...shared, label: 'groups', rows: upper })
  const chosen = all[cursor.at]
  const lowerPlace = { columns, rows: rows - notes.length - upper, scroll, isFocused: isInGroup }
  const lower = groupBox(chosen, lowerPlace)
  return [...upperLines, ...lower, ...notes]
}

/** undefined: that of no partition is known */
function groupLag({ partitions }: GroupDetails): number | undefined {
  const known = partitions.flatMap(({ lag }) => lag ?? [])
  return known.length === 0 ? undefined : known.reduce((sum, lag) => sum + lag, 0)
}

function groupBox(
  facts: GroupFacts | undefined,
  place: Size & { readonly scroll: Scroll; readonly isFocused: boolean },
): Line[] {
  const { columns: width, rows: height, scroll, isFocused } = place
  if (height < 3) return Array.from({ length: height }, () => plainLine('', width))
  const inner = width - 2
  const { group = '', details, trend } = facts ?? {}
  const lines =
    details === undefined
      ? [plainLine(facts === undefined ? '' : ' not known yet', inner, 'quiet')]
      : [
          ...generationLines(details, inner),
          ...rebalanceLines(details, inner),
          ...trendLines(trend, inner),
          ...details.members.map((member) => memberLine(member, inner)),
          ...placeLines(details, trend, inner),
        ]
  const named = group === '' ? '' : ` of ${fit(group, Math.min(40, widthOf(group)))}`
  const label = `members and offsets${named}`
  return scrolledBox(scroll, { width, height, label, isFocused, lines })
}

/** The generation, and for how long the group waits for which members. */
function generationLines(details: GroupDetails, width: number): Line[] {
  const { generation, protocol, coordinator, waiting, members } = details
  const assignor = protocol === '' ? '' : `, ${protocol}`
  const text = ` generation ${generation}${assignor}, coordinator broker ${coordinator}`
  if (waiting === undefined) return [plainLine(text, width, 'quiet')]
  const awaited = members.filter(({ isAwaited }) => isAwaited).map(({ clientId }) => clientId)
  const whom = awaited.length === 0 ? 'members' : awaited.join(', ')
  const [since, left] = [waiting.sinceMs, waiting.leftMs].map((ms) => (ms / 1000).toFixed(1))
  const waits = ` waits for ${whom} since ${since} s, for at most ${left} s more`
  return [plainLine(text, width, 'quiet'), plainLine(waits, width, 'warn')]
}

function rebalanceLines({ lastRebalance }: GroupDetails, width: number): Line[] {
  if (lastRebalance === undefined) return []
  const { reason, agoMs } = lastRebalance
  const text = `last rebalance ${agoText(agoMs)} ago: ${reason}`
  return wrapWords(text, width - 2).map((words) => plainLine(` ${words}`, width))
}

/** The course of the lag over the last looks; nothing before the second. */
function trendLines(trend: LagTrend | undefined, width: number): Line[] {
  if (trend?.perSecond === undefined) return []
  const { totals, perSecond, spanMs } = trend
  const lag = totals.at(-1) ?? 0
  const text = ` lag ${lag}, ${trendWords(perSecond)} over the last ${agoText(spanMs)} `
  const tone = perSecond > steadyBelow ? 'warn' : 'text'
  const course = sparkOf(totals.slice(-Math.max(0, width - widthOf(text))))
  return [
    padded([span(fit(text, Math.min(width, widthOf(text))), tone), span(course, tone)], width),
  ]
}

/** Slower changes round to nothing. */
const steadyBelow = 0.05

function trendWords(perSecond: number): string {
  if (Math.abs(perSecond) < steadyBelow) return 'steady'
  return `${perSecond < 0 ? 'falling' : 'rising'} by ${speedText(perSecond)}/s`
}

function trendColumn(isWide: boolean): Column[] {
  return [{ title: isWide ? 'trend' : '', width: isWide ? 9 : 1 }]
}

/** `↓ 12/s`; a narrow column shows the arrow. */
function trendText(perSecond: number | undefined): string {
  if (perSecond === undefined) return ''
  if (Math.abs(perSecond) < steadyBelow) return '='
  return `${perSecond < 0 ? '↓' : '↑'} ${speedText(perSecond)}/s`
}

function speedText(perSecond: number): string {
  const speed = Math.abs(perSecond)
  return speed < 10 ? speed.toFixed(1) : shortCount(Math.round(speed))
}

/** `worker-0 /127.0.0.1  events 0 1, orders 2  worker-0-5f2c` */
function memberLine(member: GroupMemberDetails, width: number): Line {
  const { clientId, host, partitions, memberId, isAwaited } = member
  const byTopic = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
  }
  const own = [...byTopic].map(([topic, numbers]) => `${topic} ${numbers.join(' ')}`).join(', ')
  const text = ` ${clientId} ${host}  ${own === '' ? 'no partition' : own}  ${memberId}`
  return plainLine(text, width, isAwaited ? 'warn' : 'text')
}

function placeLines(
  { partitions }: GroupDetails,
  trend: LagTrend | undefined,
  width: number,
): Line[] {
  if (partitions.length === 0) return [plainLine(' nothing is committed', width, 'quiet')]
  const isWide = width >= 60
  const heads: Column[] = [
    { title: 'topic' },
    { title: 'part', width: 4, isNumber: true },
    { title: 'committed', width: isWide ? 12 : 9, isNumber: true },
    ...(isWide ? [{ title: 'end', width: 12, isNumber: true }] : []),
    { title: 'lag', width: isWide ? 9 : 6, isNumber: true },
    ...trendColumn(isWide),
  ]
  const rows = partitions.map(({ topic, partition, committed, latest, lag }): Line => {
    const cells = [
      topic,
      String(partition),
      committed === undefined ? '-' : String(committed),
      ...(isWide ? [numberText(latest)] : []),
      numberText(lag),
      trendText(trend?.partitionPerSecond(topic, partition)),
    ]
    return [span(cellsText(cells, heads, width), (lag ?? 0) > 0 ? 'warn' : 'text')]
  })
  const titles = heads.map(({ title }) => title)
  return [[span(cellsText(titles, heads, width), 'strong')], ...rows]
}

// --- topics --------------------------------------------------------------------------------------

export function topicsBox(
  topics: readonly TopicFacts[] | undefined,
  place: Size & { readonly cursor: ListCursor },
): Line[] {
  const isWide = place.columns >= 60
  const heads: Column[] = [
    { title: 'topic' },
    { title: isWide ? 'partitions' : 'part', width: isWide ? 10 : 4, isNumber: true },
    ...(isWide ? [{ title: 'replicas', width: 8, isNumber: true }] : []),
    { title: 'offsets', width: isWide ? 13 : 7, isNumber: true },
    { title: '', width: isWide ? 20 : 9 },
  ]
  const items = (topics ?? []).map((facts): Row => {
    const { topic, partitions, replicas, records, problem } = facts
    const cells = [
      topic,
      problem === undefined ? String(partitions) : '?',
      ...(isWide ? [problem === undefined ? String(replicas) : '?'] : []),
      records === undefined || problem !== undefined
        ? '?'
        : isWide
          ? String(records)
          : shortCount(records),
      stateOf(facts),
    ]
    return { cells, tone: toneOf(facts) }
  })
  const empty = topics === undefined ? 'not known yet' : 'no topics'
  return tableBox({ ...place, label: 'topics', heads, items, isFocused: true, empty })
}

function stateOf({ problem, leaderless, behind }: TopicFacts): string {
  if (problem !== undefined) return 'unreadable'
  if (leaderless > 0) return `${leaderless} leaderless`
  return behind > 0 ? `${behind} behind` : 'in sync'
}

function toneOf({ problem, leaderless, behind }: TopicFacts): Tone {
  if (problem !== undefined || leaderless > 0) return 'bad'
  return behind > 0 ? 'warn' : 'text'
}
