// What measuring a part needs: the systems, how much is measured, and where.

import type { Point } from './figures.ts'
import type { Plan } from './plans.ts'
import type { SystemKind } from './systems.ts'

export interface PartContext {
  readonly systems: readonly SystemKind[]
  /** of the brokers' part, as `--peers` has them */
  readonly brokerPeers: string
  readonly plan: Plan
  /** directory of the servers' data */
  readonly parent: string
  readonly generators: number
  readonly seed: number
  readonly print: (text: string) => void
}

export type MeasurePart = (context: PartContext) => Promise<readonly Point[]>
