import { formatData, formatHexdump, formatStat } from '../format.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const get: ShellCommand = {
  name: 'get',
  usage: '[-s] [-w] [-b] [-x] path',
  about: 'prints data; -s with the Stat, -w with a watch, -b as base64, -x as a hexdump',
  options: { s: 'flag', w: 'flag', b: 'flag', x: 'flag' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const watcher = words.flags.has('w') ? shell.watcher : undefined
    const { data, stat } = await shell.zk.getData(wordAt(words, 0), watcher)
    if (data !== null && words.flags.has('b')) shell.print(data.toString('base64'))
    else if (data !== null && words.flags.has('x')) shell.print(formatHexdump(data))
    else shell.print(formatData(data))
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}
