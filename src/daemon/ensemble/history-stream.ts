// DIFF: the part of the log that a learner lacks, read and sent in pieces, as fast as its socket
// drains.

import { limits } from '../../limits.ts'
import { lastOf } from '../../protocol/peer/entries.ts'
import type { PeerMessage } from '../../protocol/peer/messages.ts'
import type { Zxid } from '../../protocol/zxid.ts'
import type { TxnLog } from '../storage/txn-log.ts'
import type { Stream } from './peer-link.ts'

export class HistoryStream implements Stream {
  readonly #log: Pick<TxnLog, 'readEntries'>
  readonly #upTo: Zxid
  #sent: Zxid

  /** Sends the transactions in (after, upTo]. */
  constructor(
    log: Pick<TxnLog, 'readEntries'>,
    { after, upTo }: { readonly after: Zxid; readonly upTo: Zxid },
  ) {
    this.#log = log
    this.#sent = after
    this.#upTo = upTo
  }

  next(): PeerMessage | undefined {
    if (this.#sent >= this.#upTo) return undefined
    const bytesMax = limits.historyChunkBytes
    const entries = this.#log.readEntries({ after: this.#sent, upTo: this.#upTo, bytesMax })
    this.#sent = lastOf(entries)
    return { type: 'PROPOSAL', entries }
  }
}
