// Producer ids, which are never reused in a cluster: a broker allocates a block of a thousand by a
// conditional write of /latest_producer_id_block and hands its ids out one by one.

import { ZkError } from '../../protocol/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import type { ProducerId } from '../../protocol/mq/record-batch.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { decodeProducerIdBlock, encodeProducerIdBlock, zkPaths } from '../cluster/zk-paths.ts'

const blockCount = 1000

export class ProducerIds {
  readonly #broker: BrokerId
  #next = 0
  /** after the last id of the block */
  #end = 0
  #taking: Promise<void> | undefined

  constructor(broker: BrokerId) {
    this.#broker = broker
  }

  /** @throws ZkError */
  async next(zk: ZkAccess): Promise<ProducerId> {
    while (this.#next >= this.#end) {
      this.#taking ??= this.#takeBlock(zk).finally(() => {
        this.#taking = undefined
      })
      await this.#taking
    }
    return this.#next++ as ProducerId
  }

  /** A block whose write was not confirmed is never used: ids may be skipped, but not repeated. */
  async #takeBlock(zk: ZkAccess): Promise<void> {
    const path = zkPaths.producerIdBlock
    for (;;) {
      const stat = await zk.exists(path)
      const known = stat === undefined ? undefined : await zk.getData(path)
      const first = (decodeProducerIdBlock(known?.data ?? null)?.last ?? -1) + 1
      const last = first + blockCount - 1
      const block = encodeProducerIdBlock({ broker: this.#broker, first, last })
      try {
        if (known === undefined) await zk.create(path, block)
        else await zk.setData(path, block, known.stat.version)
        this.#next = first
        this.#end = last + 1
        return
      } catch (error) {
        // Another broker was faster: read again.
        const isRace = error instanceof ZkError && raceCodes.has(error.code)
        if (!isRace) throw error
      }
    }
  }
}

const raceCodes: ReadonlySet<string> = new Set(['BADVERSION', 'NODEEXISTS', 'NONODE'])
