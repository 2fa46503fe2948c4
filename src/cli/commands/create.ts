import type { CreateMode } from '../../protocol/zk/messages.ts'
import type { ParsedWords } from '../parse-line.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const create: ShellCommand = {
  name: 'create',
  usage: '[-s] [-e] path [data]',
  about: 'creates a znode; -s with a number after its name, -e until this session ends',
  options: { s: 'flag', e: 'flag' },
  words: { min: 1, max: 2 },
  async run(shell, words) {
    const data = words.rest[1] ?? null
    const { path } = await shell.zk.create(wordAt(words, 0), data, { mode: createModeOf(words) })
    shell.print(`Created ${path}`)
  },
}

export function createModeOf({ flags }: ParsedWords): CreateMode {
  if (flags.has('s')) return flags.has('e') ? 'ephemeralSequential' : 'persistentSequential'
  return flags.has('e') ? 'ephemeral' : 'persistent'
}
