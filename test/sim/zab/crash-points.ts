// Where a server may crash: around each effect of its core, each message and each completion.

export const crashPoints = [
  'before NOTIFICATION',
  'before CEPOCH',
  'before saveEpochs',
  'after saveEpochs',
  'before NEWEPOCH',
  'before ACKEPOCH',
  'before DIFF',
  'before TRUNC',
  'before truncate',
  'after truncate',
  'before SNAP',
  'before sendSnapshot',
  'before receiveSnapshot',
  'after a tree came',
  'before installSnapshot',
  'after installSnapshot',
  'before ACKSNAP',
  'before sendHistory',
  'before PROPOSAL',
  'before append',
  'after append',
  'before NEWLEADER',
  'before ACKNEWLEADER',
  'before UPTODATE',
  'before ACK',
  'before COMMIT',
  'before INFORM',
  'before CONFIGURATION',
  'before activate',
  'before deliver',
  'before confirmed',
  'before PING',
  'before PONG',
  'before role',
  'before disconnect',
] as const

/** Those of a transfer of leadership. */
export const transferCrashPoints = [
  'before HOLD',
  'before hold',
  'before HELD',
  'before drain',
  'before SUCCESSOR',
  'before RESUME',
  'before resume',
  'before transferRefused',
] as const

export type CrashPoint = (typeof crashPoints)[number] | (typeof transferCrashPoints)[number]
