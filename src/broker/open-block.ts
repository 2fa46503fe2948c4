// Opens the compressed records of batches on a broker, which checks a batch before it stores it. The
// libraries are optional packages: batches of a codec that is not installed are stored unchecked. So are
// blocks that hold more than any client puts into a batch, because opening them would take long.

import { BlockTooLargeError, Codecs } from '../client/mq/compression/codecs.ts'
import { limits } from '../limits.ts'
import { codecNames, codecs, type OpenBlock } from '../protocol/mq/compression.ts'
import { BrokerError } from '../protocol/mq/error-codes.ts'

/** Loads every codec that is installed. */
export async function loadOpenBlock(): Promise<OpenBlock> {
  const libraries = new Codecs(limits.checkedBlockBytesMax)
  const loaded = new Set<number>()
  for (const name of codecNames) {
    if (name === 'none') continue
    try {
      await libraries.load(name)
      loaded.add(codecs[name])
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error
    }
  }
  return (codec, block) => {
    if (!loaded.has(codec)) return undefined
    try {
      return libraries.decompress(codec, block)
    } catch (error) {
      if (error instanceof BlockTooLargeError) return undefined
      throw error
    }
  }
}
