import type { ZkClient } from '../../../client/zk/zk-client.ts'
import type { Acl } from '../../../protocol/records.ts'
import { formatAcl, parseAcl } from '../acl-text.ts'
import { formatError, formatStat } from '../format.ts'
import { type ShellCommand, versionOf, wordAt } from './shell-command.ts'
import { subtreeOf } from './subtree.ts'

export const getAcl: ShellCommand = {
  name: 'getAcl',
  usage: '[-s] path',
  about: 'prints the ACL of a znode; -s with the Stat',
  options: { s: 'flag' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const { acl, stat } = await shell.zk.getACL(wordAt(words, 0))
    shell.print(formatAcl(acl))
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}

export const setAcl: ShellCommand = {
  name: 'setAcl',
  usage: '[-s] [-v version] [-R] path acl',
  about: 'sets an ACL, as scheme:id:cdrwa,…; -R of the subtree, -v only at that ACL version',
  options: { s: 'flag', v: 'value', R: 'flag' },
  words: { min: 2, max: 2 },
  async run(shell, words) {
    const path = wordAt(words, 0)
    const acl = parseAcl(wordAt(words, 1))
    const version = versionOf(words)
    if (words.flags.has('R')) {
      await setAll(shell.zk, await subtreeOf(shell.zk, path), acl, version)
      return
    }
    const stat = await shell.zk.setACL(path, acl, version)
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}

/** Requests in flight at once. */
const batch = 1000

/** Each failure leaves the other paths unaffected; all are reported at the end. */
async function setAll(
  zk: ZkClient,
  paths: readonly string[],
  acl: readonly Acl[],
  version: number,
): Promise<void> {
  const failed: string[] = []
  for (let from = 0; from < paths.length; from += batch) {
    const some = paths.slice(from, from + batch)
    const done = await Promise.allSettled(some.map((path) => zk.setACL(path, acl, version)))
    for (const one of done) if (one.status === 'rejected') failed.push(formatError(one.reason))
  }
  if (failed.length > 0) throw new Error(failed.join('\n'))
}
