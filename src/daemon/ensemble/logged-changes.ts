// The changes of the configuration that a server finds in its log when it starts, after what its
// tree shows: the last one is in force, committed or not (zab/configuration.ts).
//
// Off a write's path: read once, before the server takes part.

import { limits } from '../../limits.ts'
import { lastOf, payloadsOf } from '../../protocol/peer/entries.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { TxnLog } from '../storage/txn-log.ts'
import type { LoggedChange, ZabOptions } from '../zab/types.ts'

/** @param after the last transaction that the tree shows */
export function changesIn(
  log: Pick<TxnLog, 'lastZxid' | 'readEntries'>,
  after: Zxid,
  changeIn: NonNullable<ZabOptions['changeIn']>,
): readonly LoggedChange[] {
  const changes: LoggedChange[] = []
  const { lastZxid: upTo } = log
  for (let read = after; read < upTo; ) {
    const entries = log.readEntries({ after: read, upTo, bytesMax: limits.historyChunkBytes })
    let zxid: number = entries.first
    for (const payload of payloadsOf(entries)) {
      const change = changeIn(payload)
      if (change !== undefined) changes.push({ zxid: zxid as Zxid, change })
      zxid++
    }
    read = lastOf(entries)
  }
  return changes
}
