// Writes that change who leads belong to a controller epoch, also those that any broker makes on request:
// each is conditional on the epoch in force, and names it in the state.

import type { MultiOp } from '../../protocol/zk/messages.ts'
import { decodeNumber, zkPaths } from '../cluster/zk-paths.ts'
import type { ServingSession } from './broker-parts.ts'

interface EpochInForce {
  readonly controllerEpoch: number
  /** part of a multi: fails with BADVERSION in a later epoch */
  readonly check: MultiOp
}

/** @throws ZkError */
export async function epochInForce({ zk }: Pick<ServingSession, 'zk'>): Promise<EpochInForce> {
  const path = zkPaths.controllerEpoch
  const { data, stat } = await zk.getData(path)
  return {
    controllerEpoch: decodeNumber(data) ?? 0,
    check: { type: 'check', path, version: stat.version },
  }
}
