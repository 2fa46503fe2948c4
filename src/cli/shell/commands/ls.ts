import { oneLine } from '../../../printable.ts'
import { formatChildren, formatStat } from '../format.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'
import { inTreeOrder, subtreeOf } from './subtree.ts'

export const ls: ShellCommand = {
  name: 'ls',
  usage: '[-s] [-w] [-R] path',
  about: 'lists children; -s with the Stat, -w with a watch, -R the whole subtree',
  options: { s: 'flag', w: 'flag', R: 'flag' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const path = wordAt(words, 0)
    const watcher = words.flags.has('w') ? shell.watcher : undefined
    if (words.flags.has('R')) {
      const paths = inTreeOrder(await subtreeOf(shell.zk, path, watcher))
      shell.print(paths.map(oneLine).join('\n'))
      return
    }
    const { children, stat } = await shell.zk.getChildren(path, watcher)
    shell.print(formatChildren(children))
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}
