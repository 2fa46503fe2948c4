import type { ZkClient } from '../../../client/zk/zk-client.ts'
import { ZkError } from '../../../protocol/error-codes.ts'
import { type ParsedWords, UsageError } from '../parse-line.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'
import { subtreeOf } from './subtree.ts'

/** Default number of deletes in flight. */
const defaultBatch = 1000
const batchMax = 100_000

export const deleteall: ShellCommand = {
  name: 'deleteall',
  usage: '[-b batch size] path',
  about: 'deletes a znode and all below it; -b how many at once, 1000 by default',
  options: { b: 'value' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const top = wordAt(words, 0)
    const batch = batchOf(words)
    if (top === '/') throw new UsageError('Cannot delete /: give a znode below it')
    // Requests of one session are applied in order, so children are deleted before their parents.
    const paths = (await subtreeOf(shell.zk, top)).reverse()
    for (let from = 0; from < paths.length; from += batch) {
      const some = paths.slice(from, from + batch)
      await Promise.all(some.map((path) => deleteIfThere(shell.zk, path)))
    }
  },
}

function batchOf({ values }: ParsedWords): number {
  const text = values.get('b') ?? String(defaultBatch)
  const batch = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (batch >= 1 && batch <= batchMax) return batch
  throw new UsageError(`Cannot use batch size ${text}: it must be a number from 1 to ${batchMax}`)
}

async function deleteIfThere(zk: ZkClient, path: string): Promise<void> {
  try {
    await zk.delete(path)
  } catch (error) {
    if (!(error instanceof ZkError) || error.code !== 'NONODE') throw error
  }
}
