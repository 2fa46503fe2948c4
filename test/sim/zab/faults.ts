// The faults of one life of an ensemble of cores, and the properties of the ensemble, drawn before
// anything else from its seed. An override replaces a drawn value, so it changes no other one.
//
//   npm run sim -- --world zab --seed 7 --fault crashes=0 --fault networkMs=0.1..40

import { Random } from '../../../src/random.ts'
import {
  drawObservers,
  type FaultsOf,
  FaultTable,
  quantity,
  range,
  serverIds,
  weight,
} from '../faults.ts'

const rows = {
  servers: quantity('Number of servers.', 3),
  observers: serverIds('Servers that do not vote; or none.'),
  networkMs: range('Latency of a message.', [0.1, 4]),
  diskMs: range('Latency of a write to the disk.', [0.1, 6]),
  treeMs: range('Latency of a tree.', [0.1, 4]),
  epochCounterMax: quantity('Transactions after which an epoch ends.', 2 ** 31),
  halfOpenMs: quantity(
    'How long an end may consider a link open that the other end closed; 0: never.',
    0,
  ),
  brokenLinks: weight('A link breaks, or is not dialled again for a while.'),
  handovers: weight('A leader is asked to begin its next epoch.'),
  lonelyProposals: weight('A leader proposes what no other server hears.'),
  crashes: weight('A server loses power, at once, soon or at a point; or all do.'),
  blocks: weight(
    'One direction of a link carries nothing, or a server hears nothing, or is not heard.',
  ),
  forgeries: weight('Servers elect by votes that no server cast.'),
  stalls: weight('A disk stands still for a while, under the log or under the epochs.'),
  pauses: weight('A process stands still, perhaps until the others have given it up.'),
  wipes: weight('A server loses its disk.'),
  purges: weight('Logs are purged, so that only a tree can bring a late server back.'),
  drifts: weight('A clock runs faster or slower than the others.'),
  reconfigurations: weight('A leader proposes other voters.'),
  boasts: weight('An observer comes from an epoch that no voter knows.'),
  lies: weight('Strangers claim to be servers; NEWEPOCH names the wrong epoch.'),
  transfers: weight('A leader is asked to hand over, perhaps amid other faults.'),
  hopeless: quantity('1: disks are lost beyond what an ensemble can recover from.', 0),
}

export type ZabFaults = FaultsOf<typeof rows>
export const zabFaults = new FaultTable(rows)

/**
 * A fault that never happens leaves room for longer chains of others.
 *
 * @param random with which the life continues
 */
export function drawZabFaults(seed: number, random = new Random(seed)): ZabFaults {
  const maybe = (chance: number): number => (random.chance(chance) ? 1 : 0)
  const forgeries = maybe(0.4)
  const blocks = maybe(0.4)
  const stalls = maybe(0.4)
  const crashes = maybe(0.8)
  const pauses = maybe(0.3)
  const wipes = maybe(0.3)
  const purges = maybe(0.4)
  const drifts = maybe(0.3)
  const lies = maybe(0.3)
  const hopeless = wipes > 0 ? maybe(0.5) : 0
  // Drawn apart: the other properties of a seed are as they were before there was this one.
  const transfers = new Random(seed ^ 0x7a4e).chance(0.4) ? 3 : 0
  const voters = seed % 3 === 0 ? 5 : 3
  const observers = drawObservers(seed, voters)
  const reconfigurations = new Random(seed ^ 0xc0f1).chance(0.25) ? 5 : 0
  // The judge of lost disks knows only the first voters.
  const lost = reconfigurations > 0 ? { wipes: 0, hopeless: 0 } : { wipes, hopeless }
  return {
    servers: voters + observers.length,
    observers,
    networkMs: [0.1, seed % 5 === 0 ? 40 : 4],
    diskMs: [0.1, seed % 7 === 0 ? 60 : 6],
    treeMs: seed % 11 === 0 ? [1500, 3000] : [0.1, 4],
    epochCounterMax: seed % 13 === 0 ? 10 : 2 ** 31,
    halfOpenMs: seed % 2 === 0 ? 1500 : 0,
    brokenLinks: 1,
    handovers: 1,
    lonelyProposals: 1,
    // The claim would outlast the observer's promotion.
    boasts: reconfigurations > 0 ? 0 : observers.length,
    reconfigurations,
    ...{ crashes, blocks, forgeries, stalls, pauses, purges, drifts, lies, ...lost },
    transfers,
  }
}
