// What `zw topics reassign` and `zw topics elect` do. A plan is shown first, and executed with --execute:
// then it waits until the partitions have their replicas. The moves are the brokers' and go on when this
// command is stopped; --list shows how far they are, and --cancel takes them back. With --throttle it
// sets rates first and takes them back afterwards (reassign-throttle.ts).

import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import {
  BrokerError,
  type ElectedLeader,
  type MqAdmin,
  type Reassignment,
} from '../../client/mq/mq-admin.ts'
import type { TopicInfo } from '../../protocol/mq/metadata.ts'
import { BadUsage } from '../cli-command.ts'
import { toStderr, toStdout } from '../output.ts'
import { StoppedError, stopSignal } from '../stop-signal.ts'
import { type Column, tableLines } from '../table-lines.ts'
import { changesOf, type PlannedMove, planJson, readPlan, spreadOver } from './reassign-plan.ts'
import {
  brokersOf,
  freedBy,
  type Move,
  movesOf,
  plannedMoves,
  setThrottle,
  type ThrottledBroker,
  takeThrottleBack,
  throttledBrokers,
} from './reassign-throttle.ts'

export interface ReassignWords {
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly replicas: number | undefined
  readonly brokers: readonly number[] | undefined
  /** a file, or - for the standard input */
  readonly plan: string | undefined
  readonly execute: boolean
  readonly list: boolean
  readonly cancel: boolean
  /** bytes per second */
  readonly throttle: number | 'none' | undefined
  readonly output: 'text' | 'json'
}

/** How often it is asked whether the moves have ended. */
const watchMs = 200

/** @throws BadUsage */
export async function reassign(admin: MqAdmin, words: ReassignWords): Promise<void> {
  const { list, cancel, execute, brokers, plan, throttle } = words
  const chosen = [list, cancel, brokers !== undefined, plan !== undefined].filter(Boolean)
  if (chosen.length > 1 || (chosen.length === 0 && throttle === undefined)) {
    throw new BadUsage('Cannot reassign: it needs one of --brokers, --plan, --list and --cancel')
  }
  const moves = brokers !== undefined || plan !== undefined
  if (execute && !moves) throw new BadUsage('Cannot use --execute without --brokers or --plan')
  if (throttle !== undefined && (list || cancel)) {
    throw new BadUsage('Cannot use --throttle with --list or --cancel, which takes it back')
  }
  if (throttle === 'none' && moves) {
    throw new BadUsage('Cannot use --throttle none with --brokers or --plan: leave it out')
  }
  try {
    if (throttle !== undefined && !moves) await changeThrottle(admin, words, throttle)
    else if (list) await show(admin, words)
    else if (cancel) await takeBack(admin, words)
    else await move(admin, words)
  } catch (error) {
    if (!(error instanceof StoppedError)) throw error
    process.exitCode = error.exitCode
  }
}

async function move(admin: MqAdmin, words: ReassignWords): Promise<void> {
  const { output, execute, throttle } = words
  const planned = changesOf(await planOf(admin, words))
  if (execute && planned.length > 0) {
    const moves = planned.map(({ topic, partition, replicas }) => ({ topic, partition, replicas }))
    if (typeof throttle === 'number') {
      const copied = plannedMoves(moves, await admin.topics())
      const begin = () => admin.reassign(moves)
      await throttled(admin, copied, { rate: throttle, begin, output })
    } else {
      await admin.reassign(moves)
      await whenDone(admin, moves, output)
    }
  }
  const json = {
    executed: execute,
    ...(throttle === undefined ? {} : { throttle }),
    ...planJson(planned, 'replicas'),
    before: planJson(planned, 'from'),
  }
  print(output, json, planLines(planned, execute))
}

async function planOf(admin: MqAdmin, words: ReassignWords): Promise<readonly PlannedMove[]> {
  const { topic, partition, plan, brokers = [], replicas: replicaCount } = words
  const { topics, brokers: alive } = await admin.cluster()
  if (plan !== undefined) {
    if (topic !== undefined || partition !== undefined || replicaCount !== undefined) {
      throw new BadUsage('Cannot use --plan with a topic, --partition or --replicas: it names them')
    }
    return readPlan(
      plan === '-' ? await textOf(process.stdin) : await readFile(plan, 'utf8'),
      topics,
    )
  }
  const chosen = topics.filter((each) => topic === undefined || each.topic === topic)
  if (topic !== undefined && chosen.length === 0) {
    throw new Error(`Cannot reassign topic '${topic}': it does not exist`)
  }
  const away = brokers.find((id) => !alive.some((each) => each.id === id))
  if (away !== undefined) {
    const ids = alive.map(({ id }) => id).join(', ')
    throw new Error(`Cannot reassign to broker ${away}: it is not alive; ${ids} are`)
  }
  const named = alive.filter(({ id }) => brokers.includes(id))
  return spreadOver(chosen, { brokers: named, replicaCount, partition })
}

type Place = Pick<Reassignment, 'topic' | 'partition'>

interface Throttled {
  /** bytes per second */
  readonly rate: number
  /** Begins the moves. */
  readonly begin: () => Promise<void>
  readonly output: 'text' | 'json'
}

/** Until the moves have ended. @throws StoppedError */
async function throttled(
  admin: MqAdmin,
  moves: readonly Move[],
  { rate, begin, output }: Throttled,
): Promise<void> {
  const { signal, again } = stopSignal()
  void again.then(() => process.exit(1))
  let isOver = false
  try {
    await setThrottle(admin, moves, rate)
    tell(`replicas are copied at ${rate} bytes per second at most, until they are in sync`)
    await begin()
    await whenDone(admin, moves, output, signal)
    isOver = true
  } finally {
    // Moves that were not begun, or have ended, need no rate; others would be copied without one.
    isOver ||= await haveNone(admin, moves)
    if (isOver) await takeBackFrom(admin, moves)
    else tell(`the rate of ${rate} bytes per second stays set while replicas move: ${howToEnd}`)
  }
}

async function haveNone(admin: MqAdmin, moves: readonly Place[]): Promise<boolean> {
  try {
    return !(await admin.reassignments()).some((one) => moves.some(isSame(one)))
  } catch (error) {
    if (error instanceof BrokerError) return false
    throw error
  }
}

async function takeBackFrom(admin: MqAdmin, moves: readonly Move[]): Promise<void> {
  const brokers = moves.flatMap(({ sources, destinations }) => [...sources, ...destinations])
  tellStaying(await takeThrottleBack(admin, { freed: freedBy(moves), brokers }))
}

function tellStaying(brokers: readonly number[]): void {
  if (brokers.length === 0) return
  tell(`the rates of brokers ${brokers.join(', ')} stay: topics still name replicas there`)
}

/** The throttle of what is in progress; `none`: of everything, also of what has ended. */
async function changeThrottle(
  admin: MqAdmin,
  words: ReassignWords,
  throttle: number | 'none',
): Promise<void> {
  const { topic, partition, output } = words
  if (throttle === 'none') {
    const cluster = await admin.cluster()
    const chosen = cluster.topics.filter((each) => topic === undefined || each.topic === topic)
    if (topic !== undefined && chosen.length === 0) {
      throw new Error(`Cannot change the throttle of topic '${topic}': it does not exist`)
    }
    const partitions = partition === undefined ? undefined : new Set([partition])
    const freed = chosen.map((each) => ({ topic: each.topic, partitions }))
    const isAll = topic === undefined && partition === undefined
    const brokers = isAll ? brokersOf(cluster) : []
    const staying = await takeThrottleBack(admin, { freed, brokers })
    tellStaying(staying)
    print(output, { throttle, staying }, ['Replicas are copied without a throttle.'])
    return
  }
  const listed = await inProgress(admin, words)
  if (listed.length > 0) {
    const begin = () => Promise.resolve()
    await throttled(admin, movesOf(listed), { rate: throttle, begin, output })
  }
  const count = listed.length === 1 ? '1 partition' : `${listed.length} partitions`
  print(output, { throttle, moved: listed.map(({ topic, partition }) => ({ topic, partition })) }, [
    listed.length === 0 ? 'No partition is being reassigned.' : `Moved ${count}.`,
  ])
}

/** @throws StoppedError */
async function whenDone(
  admin: MqAdmin,
  moves: readonly Place[],
  output: 'text' | 'json',
  signal?: AbortSignal,
): Promise<void> {
  let told = -1
  for (;;) {
    signal?.throwIfAborted()
    const left = (await admin.reassignments()).filter((one) => moves.some(isSame(one)))
    if (output === 'text' && left.length !== told && left.length > 0) {
      process.stderr.write(`zw: ${left.length} of ${moves.length} partitions are being moved\n`)
    }
    told = left.length
    if (told === 0) return
    await pause(watchMs, signal)
  }
}

async function show(admin: MqAdmin, words: ReassignWords): Promise<void> {
  const listed = await inProgress(admin, words)
  const throttle = await throttledBrokers(admin)
  const lines =
    listed.length === 0 ? ['No partition is being reassigned.'] : tableLines(moveColumns, listed)
  print(words.output, { reassignments: listed, throttle }, [...lines, ...throttleLines(throttle)])
}

async function takeBack(admin: MqAdmin, words: ReassignWords): Promise<void> {
  const listed = await inProgress(admin, words)
  if (listed.length > 0) {
    await admin.cancelReassignments(listed.map(({ topic, partition }) => ({ topic, partition })))
    tellStaying(await takeThrottleBack(admin, { freed: freedBy(listed), brokers: [] }))
  }
  const cancelled = listed.map(({ topic, partition, original }) => {
    return { topic, partition, replicas: original }
  })
  const lines = cancelled.map(({ topic, partition, replicas }) => {
    return `Cancelled: ${topic}/${partition} has replicas ${replicas.join()} as before.`
  })
  print(
    words.output,
    { cancelled },
    lines.length === 0 ? ['No partition is being reassigned.'] : lines,
  )
}

async function inProgress(
  admin: MqAdmin,
  { topic, partition }: ReassignWords,
): Promise<readonly Reassignment[]> {
  const all = await admin.reassignments()
  return all.filter((one) => {
    if (topic !== undefined && one.topic !== topic) return false
    return partition === undefined || one.partition === partition
  })
}

/** Preferred replicas lead again. */
export async function elect(
  admin: MqAdmin,
  { topic, output }: Pick<ReassignWords, 'topic' | 'output'>,
): Promise<void> {
  const elected = await admin.electLeaders(topic)
  const topics = await admin.topics()
  const lines = elected.map((one) => {
    const what = `${one.topic}/${one.partition}`
    if (one.error !== undefined) return `${what}: ${one.error.message}`
    return `${what}: broker ${preferredOf(topics, one)} leads.`
  })
  const json = elected.map((one) => ({
    topic: one.topic,
    partition: one.partition,
    ...(one.error === undefined
      ? { leader: preferredOf(topics, one) }
      : { error: one.error.code, message: one.error.message }),
  }))
  const none = ['All partitions are led by their preferred replicas.']
  print(output, { elected: json }, lines.length === 0 ? none : lines)
  if (elected.some(({ error }) => error !== undefined)) process.exitCode = 1
}

function preferredOf(topics: readonly TopicInfo[], place: ElectedLeader): number | undefined {
  const { partitions = [] } = topics.find(({ topic }) => topic === place.topic) ?? {}
  return partitions.find(({ partition }) => partition === place.partition)?.replicas[0]
}

const planColumns: readonly Column<PlannedMove>[] = [
  { title: 'partition', right: false, of: ({ topic, partition }) => `${topic}/${partition}` },
  { title: 'replicas', right: false, of: ({ from }) => from.join() },
  { title: 'afterwards', right: false, of: ({ replicas }) => replicas.join() },
  { title: '', right: false, of: moveText },
]

function moveText({ from, replicas }: PlannedMove): string {
  const added = replicas.filter((id) => !from.includes(id)).map((id) => `+${id}`)
  const removed = from.filter((id) => !replicas.includes(id)).map((id) => `-${id}`)
  return added.length + removed.length === 0 ? 'order' : [...added, ...removed].join(' ')
}

function planLines(planned: readonly PlannedMove[], isExecuted: boolean): string[] {
  if (planned.length === 0) return ['All partitions have these replicas already.']
  const end = isExecuted
    ? `Moved ${planned.length === 1 ? '1 partition' : `${planned.length} partitions`}.`
    : 'Nothing was changed: add --execute to do this.'
  return [...tableLines(planColumns, planned), end]
}

const moveColumns: readonly Column<Reassignment>[] = [
  { title: 'partition', right: false, of: ({ topic, partition }) => `${topic}/${partition}` },
  { title: 'replicas', right: false, of: ({ replicas }) => replicas.join() },
  { title: 'in sync', right: false, of: ({ isr }) => isr.join() },
  { title: 'adding', right: false, of: ({ adding }) => adding.join() },
  { title: 'removing', right: false, of: ({ removing }) => removing.join() },
]

function throttleLines(throttle: readonly ThrottledBroker[]): string[] {
  if (throttle.length === 0) return []
  const rateText = (rate: number | undefined) =>
    rate === undefined ? 'without a limit' : `${rate} bytes/s`
  const lines = throttle.map(({ broker, leader, follower }) => {
    return `Throttle of broker ${broker}: as leader ${rateText(leader)}, as follower ${rateText(follower)}.`
  })
  return [...lines, `When nothing is being moved: ${howToEnd}.`]
}

const howToEnd = 'zw topics reassign --throttle none takes it back'

function tell(text: string): void {
  toStderr(`zw: ${text}\n`)
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await setTimeout(delayMs, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    // The caller looks at the signal, which has the reason.
    if (signal?.aborted !== true) throw error
  }
}

function isSame(one: Place): (other: Place) => boolean {
  return ({ topic, partition }) => topic === one.topic && partition === one.partition
}

function print(output: 'text' | 'json', json: unknown, lines: readonly string[]): void {
  toStdout(output === 'json' ? `${JSON.stringify(json)}\n` : `${lines.join('\n')}\n`)
}
