// What goes wrong in one life of whole servers, and what their world is like: drawn first of all that the
// life's seed decides. An override replaces a value that was drawn, so it changes no other one.
//
//   npm run sim -- --world servers --seed 7 --fault crashPoint=none --fault wipes=3

import type { Random } from '../../../src/random.ts'
import { type FaultRow, type FaultsOf, FaultTable, quantity, range, weight } from '../faults.ts'
import type { KillAt } from '../process.ts'
import { killPoints } from './crash-points.ts'

const rows = {
  crashPoint: {
    about: 'Servers are killed again and again where something could be wrong afterwards.',
    wanted: "'before ACT', 'after ACT' or none",
    usual: undefined,
    parse: (text) => (text === 'none' ? null : killPoints.find((at) => nameOf(at) === text)),
    format: (at) => (at ? nameOf(at) : 'none'),
  } as FaultRow<KillAt | null | undefined>,
  servers: quantity('So many servers.', 3),
  sessionTimeoutMs: quantity('The shortest time-out that clients ask for.', 2000),
  networkMs: range('What is sent is so long on its way.', [0.1, 3]),
  windowBytes: quantity('A connection is congested while more is on its way.', 64 * 1024),
  segmentBytes: quantity('A file of the log is so large.', 16_384),
  logSegmentsKept: quantity('So many files stay in the log though the tree is written.', 0),
  handoverAt: quantity('A leader begins a new epoch behind so many transactions.', 1_000_000),
  treeExtraMs: quantity('A write to the tree takes up to so much longer than others.', 0),
  slowDisks: {
    about: 'The servers whose disks take up to 20 ms for what others do in 2.',
    wanted: 'IDS, as in 1,3, or none',
    usual: [],
    parse: (text) => {
      const ids = text === 'none' ? [] : text.split(',').map(Number)
      return ids.every((id) => Number.isInteger(id) && id > 0) ? ids : undefined
    },
    format: (ids) => ids.join() || 'none',
  } as FaultRow<readonly number[]>,
  valueBytes: quantity(
    'All values are so long, so that one record fits behind another; 0: any.',
    0,
  ),
  kills: weight('A server is killed or loses power, or all are; a leader is deposed.'),
  brokenLinks: weight('Connections break, ways are blocked, a server is cut off.'),
  partitions: weight('The ensemble splits, has a bridge, or a link flaps or is slow.'),
  forgeries: weight('Servers that look for a leader hear votes that no server cast.'),
  pauses: weight('A process stands still for up to three seconds.'),
  diskFaults: weight('A disk stalls, fails an fsync, or is full.'),
  clocks: weight('Clocks run fast, slow or wrong; a leader with a slow one is left alone.'),
  wipes: weight('A server loses its disk, if the others can go on without it.'),
  bitFlips: weight('A bit turns on the disk of a server that is down.'),
  clients: weight('Clients move between servers, close their sessions, vanish.'),
}

export type ServersFaults = FaultsOf<typeof rows>
export const serversFaults = new FaultTable(rows)

/** A fault that never happens leaves room for longer chains of others. */
export function drawServersFaults(random: Random): ServersFaults {
  const crashPoint = random.chance(0.8) ? random.pick(killPoints) : null
  const act = crashPoint?.act ?? ''
  const snaps = act.includes('SNAP')
  const sessionTimeoutMs = act.startsWith('expire') || random.chance(0.3) ? 1000 : 2000
  const networkMs = [0.1, random.chance(0.2) ? 30 : 3] as const
  const windowBytes = random.chance(0.3) ? 1000 : 64 * 1024
  const servers = random.chance(0.25) ? 5 : 3
  const segmentBytes = snaps
    ? 1024
    : random.pick(act.includes('TRUNC') ? [16_384] : [1024, 4096, 16_384])
  const logSegmentsKept = snaps ? 0 : random.below(3)
  const handoverAt = random.chance(0.3) ? 20 + random.below(100) : 1_000_000
  const treeExtraMs = random.chance(0.2) ? 500 : 0
  const ids = Array.from({ length: servers }, (_, i) => i + 1)
  const slowDisks = ids.filter(() => random.chance(0.2))
  const valueBytes = random.chance(0.3) ? 10 + random.below(50) : 0
  const maybe = (): number => (random.chance(0.6) ? 1 : 0)
  return {
    crashPoint,
    servers,
    sessionTimeoutMs,
    networkMs,
    windowBytes,
    segmentBytes,
    logSegmentsKept,
    handoverAt,
    treeExtraMs,
    slowDisks,
    valueBytes,
    kills: maybe(),
    brokenLinks: maybe(),
    partitions: maybe(),
    forgeries: maybe(),
    pauses: maybe(),
    diskFaults: maybe(),
    clocks: maybe(),
    wipes: maybe(),
    bitFlips: maybe(),
    clients: maybe(),
  }
}

function nameOf({ when, act }: KillAt): string {
  return `${when} ${act}`
}
