// The faults of one life of whole servers, and the properties of their world, drawn before anything
// else from the life's seed. An override replaces a drawn value, so it changes no other one.
//
//   npm run sim -- --world servers --seed 7 --fault crashPoint=none --fault wipes=3

import { Random } from '../../../src/random.ts'
import {
  drawObservers,
  type FaultRow,
  type FaultsOf,
  FaultTable,
  quantity,
  range,
  serverIds,
  weight,
} from '../faults.ts'
import type { KillAt } from '../process.ts'
import { killPoints } from './crash-points.ts'

const rows = {
  crashPoint: {
    about: 'Where servers are killed, again and again: one of crash-points.ts, or none.',
    wanted: "'before ACT'",
    usual: undefined,
    parse: (text) => (text === 'none' ? null : killPoints.find((at) => nameOf(at) === text)),
    format: (at) => (at ? nameOf(at) : 'none'),
  } as FaultRow<KillAt | null | undefined>,
  servers: quantity('Number of servers.', 3),
  observers: serverIds('Servers that do not vote; or none.'),
  sessionTimeoutMs: quantity('Shortest session time-out that clients ask for.', 2000),
  networkMs: range('Latency of what is sent.', [0.1, 3]),
  windowBytes: quantity('Bytes in flight above which a connection is congested.', 64 * 1024),
  segmentBytes: quantity('Size of a log file.', 16_384),
  logSegmentsKept: quantity('Log files that stay although the tree on the disk covers them.', 0),
  handoverAt: quantity('Transactions after which a leader begins a new epoch.', 1_000_000),
  treeExtraMs: quantity('Extra latency of a write to the tree, at most.', 0),
  slowDisks: serverIds('Servers whose disks take up to 20 ms for an operation, not 2; or none.'),
  valueBytes: quantity('Length of all values, so that one record fits behind another; 0: any.', 0),
  secret: quantity('1: the servers prove to each other that they know a secret.', 0),
  releases: quantity('2: a process of a server is of this release or of the one before.', 1),
  kills: weight('A server is killed or loses power, or all are; a leader is deposed.'),
  brokenLinks: weight('Connections break, ways are blocked, a server is cut off.'),
  partitions: weight('The ensemble splits, has a bridge, or a link flaps or is slow.'),
  forgeries: weight('Servers that look for a leader hear votes that no server cast.'),
  pauses: weight('A process stands still for up to three seconds.'),
  diskFaults: weight('A disk stalls, fails an fsync, or is full.'),
  clocks: weight('Clocks run fast, slow or wrong; a leader with a slow one is left alone.'),
  wipes: weight('A server loses its disk, if the others can go on without it.'),
  bitFlips: weight('A bit turns on the disk of a server that is down.'),
  transfers: weight('A leader is asked to hand over while clients write.'),
  joiners: quantity('Servers that no file lists but their own: clients may add them.', 0),
  reconfigurations: weight(
    'A client changes the ensemble: servers join, leave, change their roles.',
  ),
  clients: weight('Clients move between servers, close their sessions, vanish.'),
}

export type ServersFaults = FaultsOf<typeof rows>
export const serversFaults = new FaultTable(rows)

/**
 * A fault that never happens leaves room for longer chains of others.
 *
 * @param random with which the life continues
 */
export function drawServersFaults(seed: number, random = new Random(seed)): ServersFaults {
  const crashPoint = random.chance(0.8) ? random.pick(killPoints) : null
  const act = crashPoint?.act ?? ''
  const snaps = act.includes('SNAP')
  const sessionTimeoutMs = act.startsWith('expire') || random.chance(0.3) ? 1000 : 2000
  const networkMs = [0.1, random.chance(0.2) ? 30 : 3] as const
  const windowBytes = random.chance(0.3) ? 1000 : 64 * 1024
  const voters = random.chance(0.25) ? 5 : 3
  const observers = drawObservers(seed, voters)
  const segmentBytes = snaps
    ? 1024
    : random.pick(act.includes('TRUNC') ? [16_384] : [1024, 4096, 16_384])
  const logSegmentsKept = snaps ? 0 : random.below(3)
  const handoverAt = random.chance(0.3) ? 20 + random.below(100) : 1_000_000
  const treeExtraMs = random.chance(0.2) ? 500 : 0
  const ids = Array.from({ length: voters }, (_, i) => i + 1)
  const slowDisks = ids.filter(() => random.chance(0.2))
  const valueBytes = random.chance(0.3) ? 10 + random.below(50) : 0
  // Drawn apart: the other properties of a seed are as they were before there were these.
  const secret = new Random(seed ^ 0x5ec7).chance(0.3) ? 1 : 0
  const transfers = new Random(seed ^ 0x7a4e).chance(0.4) ? 1 : 0
  const releases = new Random(seed ^ 0x0e1d).chance(0.15) ? 2 : 1
  const changes = new Random(seed ^ 0xc0f1)
  const reconfigurations = changes.chance(0.25) ? 3 : 0
  const joiners = reconfigurations > 0 ? changes.below(3) : 0
  const maybe = (): number => (random.chance(0.6) ? 1 : 0)
  const most = {
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
  // Which disks may be lost at once depends on who votes.
  const lost = reconfigurations > 0 ? { wipes: 0, bitFlips: 0 } : {}
  return {
    crashPoint,
    servers: voters + observers.length,
    observers,
    sessionTimeoutMs,
    networkMs,
    windowBytes,
    segmentBytes,
    logSegmentsKept,
    handoverAt,
    treeExtraMs,
    slowDisks,
    valueBytes,
    secret,
    releases,
    transfers,
    joiners,
    reconfigurations,
    ...most,
    ...lost,
  }
}

function nameOf({ when, act }: KillAt): string {
  return `${when} ${act}`
}
