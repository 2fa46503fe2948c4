// Servers and brokers on the screen: a box for each kind if there is room at the side, otherwise a
// line each. Pure.
//
// If not all fit, the important ones are always shown (the leader of the ensemble; of the brokers
// the controller, the one being read from, a leader) and the last line counts the others. Roles
// that are no longer known are grey with a question mark.

import type { ServerRole } from '../four-letter-word.ts'
import { columns, fit, fitAddress, fitRight } from './cells.ts'
import type { BrokerLine, ServerLine } from './cluster-lines.ts'
import type { ConsumerView } from './consumer-view.ts'
import { areBrokerRolesKnown, areServerRolesKnown } from './health.ts'
import { box, type Line, padded, plainLine, type Span, span, type Tone } from './screen-lines.ts'
import type { Scroll } from './scroll.ts'

interface Place {
  readonly width: number
  readonly height: number
}

interface ClusterBox {
  readonly lines: readonly Line[]
  /** whether some lines do not fit */
  readonly isCut: boolean
}

interface Chosen<T> {
  readonly shown: readonly T[]
  readonly hidden: readonly T[]
}

/** Which items to show first if not all fit; most important first in each list. */
interface Preference<T> {
  /** shown at any scroll position */
  readonly always: readonly T[]
  /** also shown until the user scrolls, while lines are left */
  readonly rather: readonly T[]
}

/** The items shown in `room` lines; the last line stays free if not all fit. */
export function choose<T>(
  items: readonly T[],
  room: number,
  { always, rather }: Preference<T>,
  scroll: Scroll,
): Chosen<T> {
  if (items.length <= room) {
    scroll.show(0, 1)
    return { shown: items, hidden: [] }
  }
  const kept = new Set(always.slice(0, Math.max(0, room - 1)))
  for (const item of rather) if (scroll.isHome && kept.size < room - 2) kept.add(item)
  const others = items.filter((item) => !kept.has(item))
  const left = Math.max(0, room - 1 - kept.size)
  const top = scroll.show(others.length, left)
  for (const item of others.slice(top, top + left)) kept.add(item)
  return {
    shown: items.filter((item) => kept.has(item)),
    hidden: items.filter((item) => !kept.has(item)),
  }
}

/** `+4 more (1 lost)` */
function moreText(hiddenCount: number, lostCount: number): string {
  return `+${hiddenCount} more${lostCount === 0 ? '' : ` (${lostCount} lost)`}`
}

// --- servers -------------------------------------------------------------------------------------

const serverLetters: Readonly<Record<ServerRole, string>> = {
  leader: 'L',
  follower: 'F',
  observer: 'O',
  standalone: 'S',
  looking: '?',
  lost: 'X',
}

/** The leader, and servers that do not serve. */
function serverPreference(servers: readonly ServerLine[]): Preference<ServerLine> {
  return {
    always: servers.filter(({ role }) => role === 'leader' || role === 'standalone'),
    rather: servers.filter(({ role }) => role === 'lost' || role === 'looking'),
  }
}

export function serversBox(
  view: ConsumerView,
  { width, height }: Place,
  nowMs: number,
): ClusterBox {
  const { servers } = view.cluster
  const inner = width - 2
  const preference = serverPreference(servers)
  const { shown, hidden } = choose(servers, height - 2, preference, view.scrolls.servers)
  const isKnown = areServerRolesKnown(view.cluster, nowMs)
  const roleWidth = Math.max(...servers.map(({ role }) => role.length), 8)
  const addressWidth = Math.max(...servers.map(({ address }) => columns(address)), 0)
  const withWords = 2 + 1 + roleWidth + 1 + addressWidth <= inner
  const lines = shown.map((server): Line => {
    const role = withWords ? fit(server.role, roleWidth) : serverLetters[server.role]
    const head = `${fitRight(String(server.id), 2)} ${role} `
    const text = head + fitAddress(server.address, inner - head.length)
    return [span(text, isKnown ? serverTone(server) : 'quiet')]
  })
  if (hidden.length > 0) lines.push(moreServers(hidden, inner))
  const answering = servers.filter(({ role }) => role !== 'lost').length
  return {
    isCut: hidden.length > 0,
    lines: box({
      width,
      height,
      label: answering === servers.length ? 'servers' : `servers ${answering} of ${servers.length}`,
      isFocused: view.focus === 'servers',
      lines,
    }),
  }
}

function moreServers(hidden: readonly ServerLine[], width: number): Line {
  const lost = hidden.filter(({ role }) => role === 'lost').length
  return plainLine(`   ${moreText(hidden.length, lost)}`, width, lost > 0 ? 'bad' : 'quiet')
}

function serverTone({ role }: ServerLine): Tone {
  if (role === 'leader' || role === 'standalone') return 'good'
  if (role === 'lost') return 'bad'
  return role === 'looking' ? 'warn' : 'text'
}

// --- brokers -------------------------------------------------------------------------------------

/** Columns of each form of a broker line, excluding its address. */
const brokerForms = { letters: 13, words: 21, full: 38 } as const
type BrokerForm = keyof typeof brokerForms

interface BrokerLook {
  readonly form: BrokerForm
  readonly width: number
  readonly isKnown: boolean
  readonly reading: number | undefined
}

export function brokersBox(
  view: ConsumerView,
  { width, height }: Place,
  nowMs: number,
): ClusterBox {
  const { cluster, reading } = view
  const { brokers } = cluster
  const inner = width - 2
  const look = {
    form: brokerForm(brokers, inner),
    width: inner,
    isKnown: areBrokerRolesKnown(cluster, nowMs),
    reading,
  }
  const { shown, hidden } = choose(
    brokers,
    height - 3,
    brokerPreference(view),
    view.scrolls.brokers,
  )
  const lines = [brokerHead(look), ...shown.map((broker) => brokerLine(broker, look))]
  if (hidden.length > 0) lines.push(moreBrokers(hidden, inner))
  const room = height - 2 - lines.length
  const explained = look.form === 'full' ? [] : legend.slice(0, Math.max(0, room - 1))
  if (explained.length > 0) lines.push(...blankUntil(room - explained.length, inner))
  lines.push(...explained.map((text) => plainLine(` ${text}`, inner, 'quiet')))
  const answering = brokers.filter(({ state }) => state !== 'lost').length
  return {
    isCut: hidden.length > 0,
    lines: box({
      width,
      height,
      label: answering === brokers.length ? 'brokers' : `brokers ${answering} of ${brokers.length}`,
      foot: look.isKnown ? isrText(view, inner - 4) : '',
      isFocused: view.focus === 'brokers',
      lines,
    }),
  }
}

const legend = ['L leader F follower X lost', 'C controller ! not in sync', '▸ read from']

function blankUntil(count: number, width: number): Line[] {
  return Array.from({ length: Math.max(0, count) }, () => plainLine('', width))
}

function brokerForm(brokers: readonly BrokerLine[], width: number): BrokerForm {
  const addressWidth = Math.max(...brokers.map(({ address }) => columns(address)), 15)
  const room = width - addressWidth
  if (room >= brokerForms.full) return 'full'
  return room >= brokerForms.words ? 'words' : 'letters'
}

/** The controller, a leader and the broker being read from; then the replicas of the topic. */
function brokerPreference({ cluster, reading }: ConsumerView): Preference<BrokerLine> {
  const { brokers } = cluster
  const leaders = brokers.filter(({ leads }) => leads > 0)
  const replicas = brokers.filter((one) => one.replicas > 0)
  const controllers = brokers.filter(({ controller }) => controller)
  const read = brokers.filter(({ id }) => id === reading)
  const isTroubled = ({ state, behind }: BrokerLine) => state !== 'up' || behind > 0
  return {
    always: [...new Set([...controllers, ...leaders.slice(0, 1), ...read])],
    rather: [...replicas.filter(isTroubled), ...replicas, ...brokers.filter(isTroubled)],
  }
}

function moreBrokers(hidden: readonly BrokerLine[], width: number): Line {
  const lost = hidden.filter(({ state }) => state === 'lost').length
  return plainLine(`    ${moreText(hidden.length, lost)}`, width, lost > 0 ? 'bad' : 'quiet')
}

/**
 * For a topic with one partition: the replicas in sync. For more: how many partitions have them
 * all.
 */
function isrText({ cluster }: ConsumerView, width: number): string {
  const { partitions = [], brokers } = cluster
  if (partitions.length === 0) return ''
  if (partitions.length === 1) {
    const replicas = brokers.filter((one) => one.replicas > 0)
    const inSync = replicas.filter(({ behind }) => behind === 0)
    const named = `in sync ${inSync.map(({ id }) => id).join(' ')}`
    return columns(named) <= width ? named : `in sync ${inSync.length} of ${replicas.length}`
  }
  const whole = partitions.filter(({ inSync, replicas }) => inSync === replicas).length
  return `${whole} of ${partitions.length} partitions in sync`
}

function brokerHead({ form, width }: BrokerLook): Line {
  const role = { letters: '', words: 'role', full: 'role' }[form]
  return [span(brokerCells(['', 'id', role, '', 'address', 'isr', 'lag'], form, width), 'quiet')]
}

function brokerLine(broker: BrokerLine, { form, width, isKnown, reading }: BrokerLook): Line {
  const { id, address, controller, state, lag } = broker
  const role = form === 'letters' ? brokerLetter(broker) : brokerWord(broker)
  const isOut = broker.behind > 0
  const isLost = state === 'lost'
  const doubt = isKnown || isLost ? '' : '?'
  const isr = !isKnown || broker.replicas === 0 ? '' : isOut ? 'out' : 'in'
  const flags =
    form === 'full'
      ? `${controller ? 'controller' : ''}${doubt}`
      : `${controller ? 'C' : ' '}${isKnown && isOut ? '!' : doubt}`
  const lagText = isLost || lag === undefined ? '' : shortCount(lag)
  const mark = id === reading ? '▸' : ''
  const cells = [mark, String(id), role, flags, address, isr, lagText] as const
  const tone = isKnown || isLost ? brokerTone(broker, reading) : 'quiet'
  return padded([span(brokerCells(cells, form, width), tone)], width)
}

type BrokerCells = readonly [
  mark: string,
  id: string,
  role: string,
  flags: string,
  address: string,
  isr: string,
  lag: string,
]

/**
 *   letters   ▸ 1 LC! 127.0.0.1:4101    0
 *   words     ▸ 1 leader   C! 127.0.0.1:4101    0
 *   full      ▸ 1 leader   controller  127.0.0.1:4101  in      0
 */
function brokerCells(cells: BrokerCells, form: BrokerForm, width: number): string {
  const [mark, id, role, flags, address, isr, lag] = cells
  const start = `${fit(mark, 1)}${fitRight(id, 2)} `
  const rest = width - brokerForms[form]
  switch (form) {
    case 'letters':
      return `${start}${fit(role, 1)}${fit(flags, 2)} ${fitAddress(address, rest)}${fitRight(lag, 5)}`
    case 'words':
      return `${start}${fit(role, 8)} ${fit(flags, 2)} ${fitAddress(address, rest)}${fitRight(lag, 5)}`
    case 'full':
      return `${start}${fit(role, 8)} ${fit(flags, 11)} ${fitAddress(address, rest)} ${fit(isr, 4)}${fitRight(lag, 8)}`
  }
}

function brokerLetter({ state, leads, replicas }: BrokerLine): string {
  if (state === 'lost') return 'X'
  if (state === 'apart') return '?'
  return leads > 0 ? 'L' : replicas > 0 ? 'F' : '-'
}

function brokerWord({ state, leads, replicas }: BrokerLine): string {
  if (state === 'lost') return 'lost'
  if (state === 'apart') return 'joining'
  if (leads > 1) return `leads ${leads}`
  return leads === 1 ? 'leader' : replicas > 0 ? 'follower' : 'no copy'
}

function brokerTone({ id, state, behind, leads }: BrokerLine, reading: number | undefined): Tone {
  if (state === 'lost') return 'bad'
  if (state === 'apart' || behind > 0) return 'warn'
  if (leads > 0) return 'good'
  return id === reading ? 'here' : 'text'
}

/** At most four columns: 9999, 12k, 3.4M. */
export function shortCount(count: number): string {
  if (count < 10_000) return String(count)
  if (count < 999_500) return `${Math.round(count / 1000)}k`
  const millions = count / 1e6
  return millions < 9.95 ? `${millions.toFixed(1)}M` : `${Math.min(999, Math.round(millions))}M`
}

// --- one line each -------------------------------------------------------------------------------

/** `servers 1F 2L 3X`: if there is no room at the side. */
export function clusterStrip(view: ConsumerView, width: number, nowMs: number): Line[] {
  const { cluster, reading, scrolls } = view
  const { servers, brokers } = cluster
  const serversKnown = areServerRolesKnown(cluster, nowMs)
  const brokersKnown = areBrokerRolesKnown(cluster, nowMs)
  const serverSpan = (server: ServerLine) =>
    span(`${server.id}${serverLetters[server.role]}`, serversKnown ? serverTone(server) : 'quiet')
  const brokerSpan = (broker: BrokerLine) => {
    const isSure = brokersKnown || broker.state === 'lost'
    const doubt = isSure ? '' : '?'
    const isOut = brokersKnown && broker.behind > 0
    const flags = `${broker.controller ? 'C' : ''}${isOut ? '!' : doubt}`
    const mark = broker.id === reading ? '▸' : ''
    const tone = isSure ? brokerTone(broker, reading) : 'quiet'
    return span(`${mark}${broker.id}${brokerLetter(broker)}${flags}`, tone)
  }
  const lines: Line[] = []
  if (servers.length > 0) {
    const preference = serverPreference(servers)
    const place = { width, scroll: scrolls.servers }
    lines.push(strip('servers', servers, preference, serverSpan, place))
  }
  const place = { width, scroll: scrolls.brokers }
  lines.push(strip('brokers', brokers, brokerPreference(view), brokerSpan, place))
  return lines
}

function strip<T>(
  label: string,
  items: readonly T[],
  preference: Preference<T>,
  draw: (item: T) => Span,
  { width, scroll }: { readonly width: number; readonly scroll: Scroll },
): Line {
  const head = span(` ${label} `, 'quiet')
  const itemWidth = 1 + Math.max(...items.map((item) => columns(draw(item).text)), 1)
  const room = Math.max(1, Math.floor((width - columns(head.text)) / itemWidth))
  const { shown, hidden } = choose(items, room, preference, scroll)
  const pieces = shown.flatMap((item) => [draw(item), span(' ')])
  const more = hidden.length === 0 ? [] : [span(`+${hidden.length}`, 'quiet')]
  return padded([head, ...pieces, ...more], width)
}
