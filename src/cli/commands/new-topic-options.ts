// The options of commands that create their topic if it is missing.

import { limits } from '../../limits.ts'
import { wholeNumber } from '../cli-command.ts'

export const newTopicOptions = {
  partitions: {
    coerce: wholeNumber('--partitions', { min: 1, max: limits.partitionsPerTopicMax }),
    defaultDescription: '1',
    describe: 'partitions of a created topic',
  },
  replicas: {
    coerce: wholeNumber('--replicas', { min: 1, max: 100 }),
    defaultDescription: '3, or as many as there are brokers',
    describe: 'replicas of a created topic',
  },
} as const
