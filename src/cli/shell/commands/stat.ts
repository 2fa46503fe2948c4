import { errorFor } from '../../../client/zk/errors.ts'
import { formatStat } from '../format.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const stat: ShellCommand = {
  name: 'stat',
  usage: '[-w] path',
  about: 'prints the Stat; -w with a watch, also on a znode that is not there yet',
  options: { w: 'flag' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const path = wordAt(words, 0)
    const found = await shell.zk.exists(path, words.flags.has('w') ? shell.watcher : undefined)
    if (found === undefined) throw errorFor('NONODE', 'exists', path)
    shell.print(formatStat(found))
  },
}
