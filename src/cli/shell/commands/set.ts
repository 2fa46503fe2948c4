import { formatStat } from '../format.ts'
import { UsageError } from '../parse-line.ts'
import { type ShellCommand, versionOf, wordAt } from './shell-command.ts'

export const set: ShellCommand = {
  name: 'set',
  usage: '[-s] [-v version] [-b] path data',
  about: 'replaces data; -v only at that version, -s prints the Stat, -b data is base64',
  options: { s: 'flag', v: 'value', b: 'flag' },
  words: { min: 2, max: 2 },
  async run(shell, words) {
    const text = wordAt(words, 1)
    const data = words.flags.has('b') ? fromBase64(text) : text
    const stat = await shell.zk.setData(wordAt(words, 0), data, versionOf(words))
    if (words.flags.has('s')) shell.print(formatStat(stat))
  },
}

function fromBase64(text: string): Buffer {
  if (/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0)
    return Buffer.from(text, 'base64')
  throw new UsageError(`Cannot read '${text}': it is not base64`)
}
