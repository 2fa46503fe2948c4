// The points at which killing a server could break something: between any two steps that change a
// disk or send something to another process, in the words of the acts of a simulated server
// (../acts.ts, server.ts). `killed before X` is counted whenever a server is killed with X as its
// next act, `killed after X` with X as its last one.

import type { KillAt } from '../process.ts'

export interface CrashPoint {
  readonly name: string
  /** acts before which a server must have been killed */
  readonly before: readonly string[]
  /** acts right after which it must have been */
  readonly after: readonly string[]
}

function meta(name: string): string[] {
  const steps = ['write', 'sync', 'rename', 'directory sync', 'saved']
  return steps.map((step) => `${name} ${step}`)
}

export const crashPoints: readonly CrashPoint[] = [
  { name: 'acceptedEpoch write', before: meta('acceptedEpoch'), after: ['acceptedEpoch saved'] },
  { name: 'NEWEPOCH', before: ['send NEWEPOCH'], after: ['send NEWEPOCH'] },
  { name: 'ACKEPOCH', before: ['send ACKEPOCH'], after: ['send ACKEPOCH'] },
  { name: 'log append', before: ['log write'], after: ['log write'] },
  { name: 'log fsync', before: ['log sync', 'log synced'], after: ['log sync', 'log synced'] },
  { name: 'ack', before: ['send ACK'], after: ['send ACK'] },
  {
    name: 'TRUNC write',
    before: ['TRUNC mark', 'TRUNC zeros', 'TRUNC sync', 'TRUNC unmark', 'TRUNC directory sync'],
    after: ['TRUNC mark', 'TRUNC zeros', 'TRUNC unmark'],
  },
  {
    name: 'snapshot write',
    before: ['SNAP write', 'SNAP written', 'SNAP sync', 'SNAP make a log'],
    after: ['SNAP written'],
  },
  {
    name: 'snapshot swap',
    before: [...meta('SNAP swap'), 'SNAP remove the old', 'send ACKSNAP'],
    after: ['SNAP swap saved', 'SNAP remove the old'],
  },
  {
    name: 'log fsync, then currentEpoch',
    before: meta('currentEpoch'),
    after: ['currentEpoch saved'],
  },
  {
    name: 'currentEpoch, then ack of NEWLEADER',
    before: ['send ACKNEWLEADER'],
    after: ['send ACKNEWLEADER'],
  },
  { name: 'UPTODATE', before: ['send UPTODATE', 'follow'], after: ['send UPTODATE', 'follow'] },
  { name: 'commit, then apply', before: ['send COMMIT', 'apply'], after: ['send COMMIT'] },
  {
    name: 'apply, then reply',
    before: ['send to a client'],
    after: ['apply', 'send to a client'],
  },
  {
    name: 'log roll',
    before: [
      'prepare',
      'prepare zeros',
      'prepare sync',
      'log zeros',
      'roll rename',
      'roll directory sync',
      'rolled',
    ],
    after: ['roll rename', 'rolled'],
  },
  {
    name: 'log purge',
    before: [...meta('purge'), 'purge remove', 'purge directory sync', 'purged'],
    after: ['purge saved', 'purge remove', 'purged'],
  },
  {
    name: 'config file rename, then directory fsync',
    before: ['acceptedEpoch directory sync', 'currentEpoch directory sync'],
    after: ['acceptedEpoch rename', 'currentEpoch rename'],
  },
  { name: 'session expiry', before: ['expire', 'expired'], after: ['expired'] },
  {
    name: 'tree write behind',
    before: ['tree write', 'tree written'],
    after: ['tree write', 'tree written'],
  },
  {
    name: 'recovery',
    before: ['recovery write', 'recovery sync', 'recovery directory sync'],
    after: ['recovery write'],
  },
]

export const killPoints: readonly KillAt[] = crashPoints.flatMap(({ before, after }) => [
  ...before.map((act) => ({ when: 'before', act }) as const),
  ...after.map((act) => ({ when: 'after', act }) as const),
])

/** The counts that show that a crash point was hit. */
export function countedFor({ before, after }: CrashPoint): string[] {
  return [
    ...before.map((act) => `killed before ${act}`),
    ...after.map((act) => `killed after ${act}`),
  ]
}
