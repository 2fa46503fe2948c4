import { formatStat } from '../format.ts'
import { type ShellCommand, versionOf, wordAt } from './shell-command.ts'

export const set: ShellCommand = {
  name: 'set',
  usage: '[-s] [-v version] path data',
  about: 'replaces data; -v only at that version, -s prints the Stat',
  options: { s: 'flag', v: 'value' },
  words: { min: 2, max: 2 },
  async run(shell, words) {
    const stat = await shell.zk.setData(wordAt(words, 0), wordAt(words, 1), versionOf(words))
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}
