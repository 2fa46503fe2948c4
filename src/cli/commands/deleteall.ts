import type { ZkClient } from '../../client/zk-client.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { UsageError } from '../parse-line.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'
import { subtreeOf } from './subtree.ts'

/** Deletes out at once. */
const batch = 1000

export const deleteall: ShellCommand = {
  name: 'deleteall',
  usage: 'path',
  about: 'deletes a znode and all below it',
  options: {},
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const top = wordAt(words, 0)
    if (top === '/') throw new UsageError('Cannot delete /: name a znode below it')
    // Requests of one session are carried out in order, so children go before their parents.
    const paths = (await subtreeOf(shell.zk, top)).reverse()
    for (let from = 0; from < paths.length; from += batch) {
      const some = paths.slice(from, from + batch)
      await Promise.all(some.map((path) => deleteIfThere(shell.zk, path)))
    }
  },
}

async function deleteIfThere(zk: ZkClient, path: string): Promise<void> {
  try {
    await zk.delete(path)
  } catch (error) {
    if (!(error instanceof ZkError) || error.code !== 'NONODE') throw error
  }
}
