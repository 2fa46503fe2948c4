import { oneLine } from '../../../printable.ts'
import { formatHexdump, formatStat, nullText } from '../format.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const get: ShellCommand = {
  name: 'get',
  usage: '[-s] [-w] [-b] [-x] path',
  about: 'prints data and a line feed; -s with the Stat, -w with a watch, -b as base64, -x in hex',
  options: { s: 'flag', w: 'flag', b: 'flag', x: 'flag' },
  words: { min: 1, max: 1 },
  async run(shell, words) {
    const path = wordAt(words, 0)
    const watcher = words.flags.has('w') ? shell.watcher : undefined
    const { data, stat } = await shell.zk.getData(path, watcher)
    if (data === null) {
      shell.print(nullText)
      shell.note(`${oneLine(path)} has no data; this differs from the text ${nullText}`)
    } else if (words.flags.has('b')) shell.print(data.toString('base64'))
    else if (words.flags.has('x')) shell.print(formatHexdump(data))
    else shell.print(data)
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}
