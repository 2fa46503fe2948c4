// Scenes for pictures of the screen: the views after certain events, the same in every run.

import { brokersKnown, type ClusterLines } from '../../../src/cli/consumer/cluster-lines.ts'
import { ConsumerView, type ViewRecord } from '../../../src/cli/consumer/consumer-view.ts'
import type { Size } from '../../../src/cli/consumer/screen-lines.ts'
import type { ServerRole } from '../../../src/cli/four-letter-word.ts'
import { GoalSource } from '../../../src/cli/goals/goal-source.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import type { ClusterInfo } from '../../../src/protocol/mq/metadata.ts'
import { Random } from '../../../src/random.ts'

/** The time of every picture. */
export const nowMs = 100_000

const actions = [
  { key: 'l', label: 'kill the server that leads the ensemble', short: 'kill leader' },
  { key: 'o', label: 'kill a server that follows' },
  { key: 'b', label: 'kill the broker that leads the topic', short: 'kill broker' },
  { key: 'v', label: 'revive all stopped members', short: 'revive' },
]

export interface BrokersWanted {
  readonly count: number
  readonly lost?: readonly number[]
  readonly leader?: number
  readonly controller?: number
  readonly isr?: readonly number[]
  readonly replicas?: readonly number[]
  /** by broker: the end of its replica for consumers; 40 when left out */
  readonly ends?: Readonly<Record<number, number>>
}

/** A cluster as polls would show it, with one partition. */
export function clusterOf(roles: readonly ServerRole[], wanted: BrokersWanted): ClusterLines {
  const ids = Array.from({ length: wanted.count }, (_, i) => i + 1)
  const { lost = [], leader = 1, controller = 2, replicas = ids.slice(0, 3), ends = {} } = wanted
  const isr = wanted.isr ?? replicas.filter((id) => !lost.includes(id))
  const id = (number: number) => number as BrokerId
  const cluster: ClusterInfo = {
    clusterId: 'c',
    controller: id(controller),
    brokers: ids
      .filter((one) => !lost.includes(one))
      .map((one) => ({ id: id(one), host: '127.0.0.1', port: 4100 + one })),
    topics: [
      {
        topic: 'goals',
        topicId: 't',
        problem: undefined,
        partitions: [
          {
            partition: 0,
            leader: id(leader),
            leaderEpoch: 1,
            replicas: replicas.map(id),
            isr: isr.map(id),
            problems: [],
          },
        ],
      },
    ],
  }
  const answers = new Map(
    ids.map((one) => {
      const highWatermarks = replicas.includes(one) ? new Map([[0, ends[one] ?? 40]]) : new Map()
      return [one, lost.includes(one) ? undefined : { cluster, highWatermarks }] as const
    }),
  )
  const addresses = new Map(ids.map((one) => [one, `127.0.0.1:${4100 + one}`]))
  return {
    servers: roles.map((role, i) => ({ id: i + 1, address: `127.0.0.1:${4001 + i}`, role })),
    serversAtMs: nowMs - 200,
    brokersAtMs: nowMs - 200,
    ...brokersKnown('goals', answers, addresses, new Map()),
  }
}

export function goalRecords(count: number, total = 100, seed = 7): ViewRecord[] {
  const source = new GoalSource(new Random(seed), total)
  return Array.from({ length: count }, (_, offset) => ({
    partition: 0,
    offset,
    value: JSON.stringify(source.next()),
  }))
}

/** A view that has received these records at five a second until now. */
export function viewOf(cluster: ClusterLines, records: readonly ViewRecord[]): ConsumerView {
  const view = new ConsumerView({ topic: 'goals', actions })
  for (const [i, record] of records.entries()) {
    view.received([record], nowMs - (records.length - i) * 200)
  }
  view.clusterIs(cluster)
  view.readingFrom(3)
  view.lagging(0, 0)
  return view
}

function calm(): ConsumerView {
  const view = viewOf(clusterOf(['follower', 'leader', 'follower'], { count: 3 }), goalRecords(40))
  view.tell('21:04:50', 'servers 127.0.0.1:4001,127.0.0.1:4002,127.0.0.1:4003')
  view.tell('21:04:51', 'reading from broker 3', 'reading')
  return view
}

/** Killed leaders have been replaced: the picture in the README. */
function healed(): ConsumerView {
  const cluster = clusterOf(['lost', 'leader', 'follower'], {
    count: 3,
    lost: [1],
    leader: 2,
    isr: [2, 3],
  })
  const view = viewOf(cluster, goalRecords(64))
  view.tell('21:04:51', 'reading from broker 3', 'reading')
  view.tell('21:04:57', 'killed server-1, the leader')
  view.tell('21:04:57', 'server-2 leads after 131 ms')
  view.tell('21:04:57', 'the ensemble accepts writes again after 152 ms')
  view.tell('21:05:01', 'killed broker-1, which led goals')
  view.tell('21:05:02', 'broker 2 leads goals after 1412 ms, in sync: 2, 3')
  view.tell('21:05:02', 'goals are stored again after 1420 ms')
  return view
}

/** The leader and the controller have the highest numbers. */
function nine(): ConsumerView {
  const roles: ServerRole[] = Array.from({ length: 9 }, () => 'follower')
  roles[1] = 'lost'
  roles[6] = 'lost'
  roles[8] = 'leader'
  const cluster = clusterOf(roles, {
    count: 9,
    lost: [4],
    leader: 8,
    controller: 9,
    replicas: [7, 8, 4],
    isr: [8],
    ends: { 7: 12 },
  })
  const view = viewOf(cluster, goalRecords(40))
  view.readingFrom(6)
  return view
}

function dead(): ConsumerView {
  const cluster = clusterOf(['lost', 'lost', 'looking'], { count: 3, lost: [1, 2, 3] })
  const view = viewOf({ ...cluster, partitions: undefined }, goalRecords(12))
  for (let i = 0; i < 8; i++) view.tell('21:05:01', `reading from broker ${1 + (i % 3)}`, 'reading')
  for (let i = 0; i < 3; i++) {
    view.tell(`21:05:0${i + 3}`, 'there is no leader to kill; v revives')
  }
  return view
}

/** Servers without a quorum: the roles of brokers are those last known. */
function doubtful(): ConsumerView {
  const view = viewOf(clusterOf(['looking', 'lost', 'lost'], { count: 3 }), goalRecords(12))
  view.tell('21:05:01', 'no quorum: 1 of 3 servers; v revives')
  return view
}

function starved(): ConsumerView {
  const cluster = clusterOf(['follower', 'leader', 'follower'], {
    count: 3,
    lost: [2, 3],
    controller: 1,
    isr: [1],
  })
  return viewOf(cluster, goalRecords(20))
}

function scrolled(): ConsumerView {
  const view = calm()
  view.page(13)
  view.press('space')
  view.press('home')
  view.lagging(0, 1234)
  return view
}

function helped(): ConsumerView {
  const view = calm()
  view.press('?')
  return view
}

/** Several match days with more goals than the table keeps. */
function days(): ConsumerView {
  const cluster = clusterOf(['standalone'], { count: 1, controller: 1 })
  const view = new ConsumerView({ topic: 'goals', group: 'fans', actions })
  const source = new GoalSource(new Random(5))
  const goals = Array.from({ length: 310 }, () => JSON.stringify(source.next()))
  view.received(
    goals.map((value, offset) => ({ partition: 0, offset, value })),
    nowMs - 1000,
  )
  view.clusterIs(cluster)
  view.readingFrom(1)
  view.lagging(0, 0)
  return view
}

/** Goals with arbitrary text. */
function foreign(): ConsumerView {
  const players = [
    '試合開始 ⚽ ゴール!',
    'family 👨‍👩‍👧, heart ❤️, thumb 👍🏽, flag 🇳🇱',
    '\x1b[2J\x1b[31mred\x07 bell\ttab\r\n',
    'สวัสดี नमस्ते 한국어 ｆｕｌｌ',
    'Z̸̢̛͙͓a̶l̷g̴o {bold}tags{/}',
    'a long name, far longer than there is room for it, 試合試合試合試合試合試合試合',
    'turned \u202eround\u202c, hidden\u200b, C1 \x9b31m',
  ]
  const view = new ConsumerView({ topic: 'chat 試合' })
  const goals = players.map((player, offset) => {
    const fields = {
      id: `キー${offset}`,
      minute: offset + 1,
      player,
      club: '한국어 {bold}',
      score: '1:0',
    }
    return { partition: offset % 2, offset, value: JSON.stringify(fields) }
  })
  view.received(goals, nowMs - 1000)
  view.tell(
    '21:05:01',
    'a sentence of events that has 全角文字 in it and \x1b[31m, and goes on and on',
  )
  return view
}

export interface Picture {
  readonly name: string
  readonly view: () => ConsumerView
  readonly size: Size
}

const wide = { columns: 140, rows: 45 }
const middle = { columns: 100, rows: 30 }
const usual = { columns: 80, rows: 24 }

export const readmePicture: Picture = { name: 'healed', view: healed, size: middle }

export const pictures: readonly Picture[] = [
  readmePicture,
  { name: 'calm-80x24', view: calm, size: usual },
  { name: 'calm-140x45', view: calm, size: wide },
  { name: 'calm-60x20', view: calm, size: { columns: 60, rows: 20 } },
  { name: 'calm-40x10', view: calm, size: { columns: 40, rows: 10 } },
  { name: 'calm-30x5', view: calm, size: { columns: 30, rows: 5 } },
  { name: 'nine-80x24', view: nine, size: usual },
  { name: 'nine-140x45', view: nine, size: wide },
  { name: 'nine-40x12', view: nine, size: { columns: 40, rows: 12 } },
  { name: 'dead-80x24', view: dead, size: usual },
  { name: 'dead-40x10', view: dead, size: { columns: 40, rows: 10 } },
  { name: 'doubtful-80x24', view: doubtful, size: usual },
  { name: 'starved-80x24', view: starved, size: usual },
  { name: 'scrolled-80x24', view: scrolled, size: usual },
  { name: 'help-80x24', view: helped, size: usual },
  { name: 'days-80x24', view: days, size: usual },
  { name: 'foreign-80x24', view: foreign, size: usual },
]
