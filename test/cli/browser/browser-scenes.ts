// Scenes for pictures of the browser: models after certain inputs, the same in every run.

import type { PartitionFacts } from '../../../src/cli/browser/browser-facts.ts'
import { BrowserModel } from '../../../src/cli/browser/browser-model.ts'
import type { Exported } from '../../../src/cli/browser/export-form.ts'
import { LagHistory } from '../../../src/cli/browser/lag-history.ts'
import type { Produced } from '../../../src/cli/browser/produce-form.ts'
import type { ResetOutcome } from '../../../src/cli/browser/reset-form.ts'
import type { ShownRecord } from '../../../src/cli/browser/shown-record.ts'
import type { Size } from '../../../src/cli/consumer/screen-lines.ts'
import type { GroupDetails } from '../../../src/client/mq/mq-admin.ts'
import type { BrokerId } from '../../../src/protocol/mq/messages.ts'
import { clusterOf, nowMs } from '../consumer/screen-scenes.ts'
import { recordOf } from './records.ts'

const wallMs = Date.UTC(2026, 10, 28, 21, 4, 50)

const values = [
  '{"type":"login","user":{"id":12345678901234567890,"name":"Ada"},"ok":true}',
  '試合開始 ⚽ 👨‍👩‍👧 ゴール! スウェーデン対ブラジル',
  '\x1b[2J\x1b[31mred\x07 bell\ttab\r\nnext line',
  'สวัสดี नमस्ते 한국어 ｆｕｌｌ Z̸̢̛a',
  '{bold}tags{/} \u202eround\u202c',
  'a long line, far longer than there is room for it, and it goes on and on and on and on',
  Uint8Array.of(0xff, 0xfe, 0x41, 0x00, 0x1b, 0x5b, 0x32, 0x4a),
  null,
]

export function events(count: number): ShownRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    ...recordOf({
      partition: i % 3,
      offset: 1000 + Math.floor(i / 3),
      timestampMs: wallMs + i * 123,
      key: i % 4 === 3 ? null : i % 4 === 2 ? `キー${i}` : `user-${i}`,
      value: values[i % values.length] ?? null,
      headers: i % 3 === 0 ? { trace: `abc\x1b${i}`, source: 'web' } : {},
    }),
    batch: {
      baseOffset: 1000,
      lastOffset: 1063,
      recordCount: 64,
      sizeBytes: 4321,
      codec: 'zstd',
      producerId: 7,
      isAppendTime: i % 2 === 1,
    },
  }))
}

function partitions(changes: Partial<PartitionFacts> = {}): PartitionFacts[] {
  return [0, 1, 2].map((partition) => ({
    partition,
    start: 900,
    position: 1014,
    end: 1014 + partition * 100,
    leader: partition + 1,
    isPaused: false,
    ...(partition === 1 ? changes : {}),
  }))
}

export function press(model: BrowserModel, ...keys: readonly string[]): BrowserModel {
  for (const key of keys) {
    model.step({ type: 'key', key, char: key.length === 1 ? key : '', wallMs })
  }
  return model
}

export function tail(count = 42): BrowserModel {
  const model = new BrowserModel({ topic: 'events' })
  const cluster = clusterOf(['follower', 'leader', 'follower'], { count: 3 })
  model.step({ type: 'cluster', cluster })
  model.step({ type: 'reading', broker: 3 })
  model.step({ type: 'partitions', partitions: partitions() })
  const all = events(count)
  for (const [i, record] of all.entries()) {
    const ageMs = (all.length - i) * 250
    model.step({ type: 'records', records: [record], nowMs: nowMs - ageMs })
  }
  model.step({ type: 'event', time: '21:04:51', text: 'reading from broker 3', about: 'reading' })
  return model
}

function scrolled(): BrowserModel {
  const model = tail()
  model.records.page(17)
  press(model, 'pageup', 'up')
  for (const record of events(9)) {
    model.step({ type: 'records', records: [record], nowMs: nowMs - 900 })
  }
  return model
}

function detail(ups: number, ...keys: readonly string[]): BrowserModel {
  const model = tail()
  return press(model, ...Array<string>(ups).fill('up'), 'enter', ...keys)
}

/** The picture in docs/consumer.md. */
export const docsPicture = () => press(tail(), '/', ...'user', 'enter', 'm', 'up', 'up')

function paused(): BrowserModel {
  const model = tail()
  press(model, 'S-p')
  const stopped = partitions().map((one) => ({ ...one, isPaused: true }))
  model.step({ type: 'partitions', partitions: stopped })
  const later = stopped.map((one) => ({ ...one, end: one.end === undefined ? 0 : one.end + 411 }))
  model.step({ type: 'partitions', partitions: later })
  return model
}

function onePaused(): BrowserModel {
  const model = tail()
  const changes = { isPaused: true, leader: undefined, end: 2000 }
  model.step({ type: 'partitions', partitions: partitions(changes) })
  model.step({ type: 'partitions', partitions: partitions({ ...changes, end: 2077 }) })
  return press(model, '2', 'down')
}

function groups(problem = ''): BrowserModel {
  const model = new BrowserModel({ topic: 'events', group: 'billing' })
  const partitions = [0, 1, 2].map((partition) => ({
    topic: 'events',
    partition,
    committed: partition === 2 ? undefined : 1000,
    earliest: 900,
    latest: partition === 1 ? undefined : 1114,
    lag: partition === 1 ? undefined : 114 + partition * 50,
    memberId: undefined,
  }))
  const member = (n: number) => ({
    memberId: `consumer-${n}-0f8e`,
    instanceId: undefined,
    clientId: `worker-${n}`,
    host: '/127.0.0.1',
    topics: ['events', 'orders'],
    partitions: [
      { topic: 'events', partition: n },
      { topic: 'orders', partition: 7 },
      { topic: 'events', partition: n + 1 },
    ].slice(n * 3),
    isAwaited: n === 1,
  })
  const billing: GroupDetails = {
    group: 'billing',
    state: 'PreparingRebalance',
    coordinator: 2 as BrokerId,
    protocolType: 'consumer',
    protocol: 'range',
    generation: 12,
    leader: 'consumer-0-0f8e',
    waiting: { sinceMs: 2100, leftMs: 7900 },
    lastRebalance: { reason: 'member consumer-1-0f8e joined', agoMs: 2100 },
    members: [member(0), member(1)],
    partitions,
  }
  const lags = new LagHistory()
  for (const [i, behind] of [500, 420, 300, 210, 90].entries()) {
    lags.add([{ topic: 'events', partition: 0, lag: 114 + behind }], nowMs + i * 2000)
  }
  model.step({
    type: 'groups',
    groups: {
      groups: [
        { group: 'billing', state: billing.state, details: billing, trend: lags.trend },
        { group: 'audit', state: 'Empty', details: undefined, trend: undefined },
      ],
      problem,
    },
  })
  return press(model, '3')
}

function scrolledGroup(): BrowserModel {
  const model = groups()
  model.scrolls.group.show(8, 3)
  return press(model, 'enter', 'S-g')
}

function topics(): BrowserModel {
  const model = tail(3)
  model.step({
    type: 'topics',
    topics: Array.from({ length: 30 }, (_, i) => ({
      topic: i === 7 ? 'chat-試合' : `events-${i}`,
      partitions: 1 + (i % 12),
      replicas: 3,
      leaderless: i === 3 ? 2 : 0,
      behind: i === 3 || i === 4 ? 3 : 0,
      records: i === 5 ? undefined : i * 123_456,
      problem: i === 6 ? 'its znode cannot be read' : undefined,
    })),
  })
  return press(model, '4', 'down', 'down')
}

/** The form with a record that was sent. */
function produced(outcome: Produced): BrowserModel {
  const model = press(tail(), 'p', ...'user-1', 'tab', ...'{"n":試}', 'left', 'C-s')
  model.step({ type: 'produced', outcome })
  return model
}

/** The form that exports what a search finds, and what came of it. */
function exported(outcome?: Exported): BrowserModel {
  const model = press(tail(), '/', ...'key:user', 'enter', 'e')
  if (outcome === undefined) return model
  press(model, 'enter', 'space')
  const [effect] = model.step({ type: 'key', key: 'enter', char: '', wallMs })
  if (effect?.type === 'export') {
    model.step({ type: 'exported', request: effect.request, outcome })
  }
  return model
}

/** The form that moves the offsets of a group, and what came of its request. */
function reset(outcome?: ResetOutcome): BrowserModel {
  const model = press(groups(), 'o')
  if (outcome === undefined) return model
  press(model, ...'-100')
  const [effect] = model.step({ type: 'key', key: 'C-s', char: '', wallMs })
  if (effect?.type === 'reset') {
    model.step({ type: 'resetAnswered', request: effect.request, outcome })
  }
  return model
}

const planned = Array.from({ length: 24 }, (_, partition) => ({
  topic: partition % 2 === 0 ? 'events' : 'orders',
  partition,
  committed: partition === 3 ? undefined : 1000,
  earliest: 900,
  latest: 1114 + partition,
  to: partition === 1 ? 1000 : 900 + partition * 10,
  version: 1,
}))

const refusal =
  "Cannot send to topic 'events': the record has no key, and the topic is compacted (cleanup.policy=compact)"

export interface Picture {
  readonly name: string
  readonly model: () => BrowserModel
  readonly size: Size
}

const usual = { columns: 80, rows: 24 }
const middle = { columns: 100, rows: 30 }
const wide = { columns: 140, rows: 40 }
const narrow = { columns: 44, rows: 14 }

export const pictures: readonly Picture[] = [
  { name: 'tail-80x24', model: tail, size: usual },
  { name: 'tail-100x30', model: tail, size: middle },
  { name: 'tail-140x40', model: tail, size: wide },
  { name: 'tail-44x14', model: tail, size: narrow },
  { name: 'tail-30x6', model: tail, size: { columns: 30, rows: 6 } },
  { name: 'empty-80x24', model: () => new BrowserModel({ topic: 'events' }), size: usual },
  { name: 'scrolled-80x24', model: scrolled, size: usual },
  { name: 'search-80x24', model: () => press(tail(), '/', ...'user', 'enter', 'up'), size: usual },
  {
    name: 'marked-100x30',
    model: () => press(tail(), '/', ...'user', 'enter', 'm', 'N', 'S-n'),
    size: middle,
  },
  { name: 'typing-80x24', model: () => press(tail(), '/', ...'key:試合', 'left'), size: usual },
  { name: 'asking-80x24', model: () => press(tail(), 's'), size: usual },
  { name: 'json-80x24', model: () => detail(1), size: usual },
  { name: 'hex-100x30', model: () => detail(3), size: middle },
  { name: 'escapes-80x24', model: () => detail(7), size: usual },
  { name: 'text-44x14', model: () => detail(4, 'down'), size: narrow },
  { name: 'paused-80x24', model: paused, size: usual },
  { name: 'partitions-80x24', model: onePaused, size: usual },
  { name: 'partitions-44x14', model: onePaused, size: narrow },
  { name: 'groups-80x24', model: () => groups(), size: usual },
  {
    name: 'groups-lost-80x24',
    model: () => groups('not available: no broker is alive'),
    size: usual,
  },
  { name: 'groups-scrolled-44x14', model: scrolledGroup, size: narrow },
  { name: 'groups-44x14', model: () => groups(), size: narrow },
  { name: 'topics-80x24', model: topics, size: usual },
  { name: 'topics-44x14', model: topics, size: narrow },
  { name: 'produce-80x24', model: () => press(tail(), 'p'), size: usual },
  {
    name: 'produced-80x24',
    model: () => produced({ type: 'stored', partition: 2, offset: 1234 }),
    size: usual,
  },
  {
    name: 'produce-failed-44x14',
    model: () => press(produced({ type: 'failed', message: refusal }), 'C-t'),
    size: narrow,
  },
  { name: 'export-80x24', model: () => exported(), size: usual },
  {
    name: 'exported-80x24',
    model: () =>
      exported({ type: 'written', path: '/home/ada/events.txt', count: 32, bytes: 3210 }),
    size: usual,
  },
  {
    name: 'export-exists-44x14',
    model: () => exported({ type: 'exists', path: '/home/ada/events.txt' }),
    size: narrow,
  },
  { name: 'reset-80x24', model: () => reset(), size: usual },
  {
    name: 'reset-planned-80x24',
    model: () => press(reset({ type: 'planned', planned }), 'down'),
    size: usual,
  },
  {
    name: 'reset-planned-44x14',
    model: () => reset({ type: 'planned', planned }),
    size: narrow,
  },
  {
    name: 'reset-refused-80x24',
    model: () =>
      reset({
        type: 'failed',
        message: "Cannot move the offsets of group 'billing': it has members, stop them first",
      }),
    size: usual,
  },
  { name: 'help-80x24', model: () => press(tail(), '?'), size: usual },
]
