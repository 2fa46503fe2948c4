// The faults of one life of brokers, as one object: drawn from the life's seed, printed first, and
// overridden from the command line, so that a failing life can be shrunk to the faults it needs:
//
//   npm run sim -- --world mq --seed 7 --fault pauses=0 --fault powerCuts=3
//
// Each number is a weight among the others; 0: it never happens. The draw has its own generator, so
// an override changes nothing else that the seed decides.

import { Random } from '../../../src/random.ts'
import { type FaultRow, FaultTable, pickWeighted, weight } from '../faults.ts'

interface MqFaultRow {
  readonly about: string
  /** Which lives have it; every life may have the others. */
  readonly in?:
    | 'removals'
    | 'planned'
    | 'lost disks'
    | 'beyond the budget'
    | 'topics'
    | 'property'
    | 'moves'
}

/** The share of lives in which disks are lost, and of those in which the budget is exceeded. */
const lostDisksShare = 0.25
const beyondShare = 0.2
/** Of the other lives, those in which topics change. */
const topicsShare = 0.25
const minInsyncShare = 0.15
const tombstonesShare = 0.2
/** Of all lives. */
const expiringShare = 0.2
/** Of the lives whose disks and topics keep what they have, those in which replicas move. */
const movesShare = 0.15

export const faultRows = {
  powerCuts: { about: 'A broker loses power, and what it did not sync, wholly, in part or torn.' },
  kills: { about: 'A broker’s process is killed; what it wrote the system still has.' },
  allAtOnce: { about: 'All brokers lose power at once, and come back in any order.' },
  oneByOne: { about: 'Two brokers stop, the third is killed a moment later, and all come back.' },
  quickReturns: { about: 'A broker loses power and is back before its old session is gone.' },
  syncErrors: { about: 'An fsync of a broker’s disk fails.' },
  fullDisks: { about: 'A broker’s disk is full for a while.' },
  stalledDisks: { about: 'A broker’s disk stands still for a while.' },
  partitions: { about: 'A broker is cut off from the other brokers, from ZooWeeper, or both.' },
  oneWayLinks: { about: 'What goes from one host to another is held back; the way back is open.' },
  slowLinks: { about: 'What goes from one host to another is late.' },
  resets: { about: 'The connections between two hosts break.' },
  pauses: { about: 'A broker’s process stands still, perhaps for longer than its session.' },
  skewedClocks: { about: 'A broker’s clock runs faster or slower than the others’.' },
  expiredSessions: { about: 'A broker is cut off from ZooWeeper until its session is over.' },
  deposedLeaders: { about: 'A leader is heard by producers only, until another leads.' },
  deadControllers: { about: 'The controller is killed, or its znode is removed by hand.' },
  deadServers: { about: 'A ZooWeeper server is killed or loses power; perhaps all of them.' },
  corruptBatches: { about: 'A producer sends a batch one bit of which has turned on its way.' },
  deletedRecords: {
    about: 'Records are deleted on request, up to some offset.',
    in: 'removals',
  },
  plannedStops: {
    about: 'A broker is told to stop, and hands its partitions over before it does.',
    in: 'planned',
  },
  preferredElections: { about: 'Preferred replicas are made leaders on request.', in: 'planned' },
  changedRetention: {
    about: 'The topic’s retention changes, and whether it is compacted.',
    in: 'removals',
  },
  wipedDisks: { about: 'A broker loses its disk.', in: 'lost disks' },
  oldCopies: { about: 'A broker comes back with an old copy of its disk.', in: 'lost disks' },
  bitFlips: { about: 'One bit of each log turns while its broker is down.', in: 'lost disks' },
  cutTails: { about: 'The last durable batches of each log are gone.', in: 'lost disks' },
  wipedServers: { about: 'A ZooWeeper server of three loses its disk.', in: 'lost disks' },
  lostIsrs: {
    about: 'Several brokers lose their disks at once, and perhaps no member of an ISR keeps one.',
    in: 'beyond the budget',
  },
  changedTopics: {
    about: 'Topics are created, get more partitions, are deleted, and are created again.',
    in: 'topics',
  },
  changedMinInsync: {
    about: 'The topic’s min.insync.replicas changes.',
    in: 'topics',
  },
  tombstones: {
    about: 'Producers send tombstones, and how long these are kept changes.',
    in: 'topics',
  },
  expiringOffsets: {
    about: 'Committed offsets that no member uses expire within seconds.',
    in: 'property',
  },
  reassignments: {
    about:
      'A partition gets other replicas, of three brokers two, or its former ones again; in some lives at a rate.',
    in: 'moves',
  },
} as const satisfies Record<string, MqFaultRow>

export type FaultName = keyof typeof faultRows
export type Faults = Readonly<Record<FaultName, number>>

export const faultNames = Object.keys(faultRows) as FaultName[]

/** A fault that never happens leaves room for longer chains of others. */
export function drawFaults(seed: number, overrides: Partial<Faults> = {}): Faults {
  const random = new Random(seed ^ 0x5eed)
  const drawWeight = (): number => (random.chance(0.55) ? 1 + random.below(3) : 0)
  const weights = new Map<FaultName, number>()
  for (const name of faultNames) if (fieldOf(name) === undefined) weights.set(name, drawWeight())
  // Drawn last, so that the other faults of a seed are the same whether it loses disks or not.
  const losesDisks = random.chance(lostDisksShare)
  const goesBeyond = losesDisks && random.chance(beyondShare)
  const later: FaultName[] = []
  const last: FaultName[] = []
  for (const name of faultNames) {
    const field = fieldOf(name)
    if (field === 'lost disks') weights.set(name, losesDisks ? 2 * drawWeight() : 0)
    if (field === 'beyond the budget') weights.set(name, goesBeyond ? 3 : 0)
    if (field === 'removals') later.push(name)
    if (field === 'planned') last.push(name)
  }
  for (const name of [...later, ...last]) weights.set(name, drawWeight())
  // Drawn after all, and of few lives: the others are as they were before there was this fault.
  if (!losesDisks && random.chance(topicsShare)) weights.set('changedTopics', 4)
  if (!losesDisks && random.chance(minInsyncShare)) weights.set('changedMinInsync', 2)
  if (random.chance(tombstonesShare)) {
    weights.set('tombstones', 3)
    weights.set('changedRetention', Math.max(2, weights.get('changedRetention') ?? 0))
  }
  if (random.chance(expiringShare)) weights.set('expiringOffsets', 1)
  const isQuiet = !losesDisks && !weights.has('changedTopics') && !weights.has('changedMinInsync')
  if (isQuiet && random.chance(movesShare)) weights.set('reassignments', 4)
  const drawn = faultNames.map((name) => [name, overrides[name] ?? weights.get(name) ?? 0])
  return Object.fromEntries(drawn) as Faults
}

/** Whether disks are lost in such a life. */
export function losesDisks(faults: Faults): boolean {
  return faultNames.some((name) => isOfDisks(name) && faults[name] > 0)
}

/** Happens only where the budget allows it (disk-budget.ts). */
export function isOfDisks(name: FaultName): boolean {
  const field = fieldOf(name)
  return field === 'lost disks' || field === 'beyond the budget'
}

function fieldOf(name: FaultName): MqFaultRow['in'] {
  const row: MqFaultRow = faultRows[name]
  return row.in
}

/** The values that `--fault` accepts and that are printed first. */
export const mqFaults = new FaultTable(
  Object.fromEntries(faultNames.map((name) => [name, weight(faultRows[name].about)])) as Record<
    FaultName,
    FaultRow<number>
  >,
)

/** One of the faults, by weight; undefined if all weights are 0. Properties of a life are none. */
export function pickFault(faults: Faults, random: Random): FaultName | undefined {
  const causes = faultNames.filter((name) => fieldOf(name) !== 'property')
  return pickWeighted(
    causes.map((name) => ({ item: name, weight: faults[name] })),
    random,
  )
}
