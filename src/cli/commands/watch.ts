import type { AddWatchMode, WatcherType } from '../../protocol/zk/messages.ts'
import { type ParsedWords, UsageError } from '../parse-line.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

const modes: Readonly<Record<string, AddWatchMode>> = {
  PERSISTENT: 'persistent',
  PERSISTENT_RECURSIVE: 'persistentRecursive',
}

export const addWatch: ShellCommand = {
  name: 'addWatch',
  usage: '[-m mode] path',
  about: `watches until it is removed; -m ${Object.keys(modes).join(' or ')} (the default)`,
  options: { m: 'value' },
  words: { min: 1, max: 1 },
  run(shell, words) {
    const name = words.values.get('m') ?? 'PERSISTENT_RECURSIVE'
    const mode = modes[name.toUpperCase()]
    if (mode === undefined) {
      throw new UsageError(`No such mode: ${name}, it is one of ${Object.keys(modes).join(', ')}`)
    }
    return shell.zk.addWatch(wordAt(words, 0), mode, shell.watcher)
  },
}

export const removewatches: ShellCommand = {
  name: 'removewatches',
  usage: '[-c|-d|-a] path',
  about: 'removes watches on a path: -c of its children, -d of its data, -a all (the default)',
  options: { c: 'flag', d: 'flag', a: 'flag' },
  words: { min: 1, max: 1 },
  run: (shell, words) => shell.zk.removeWatches(wordAt(words, 0), watcherTypeOf(words)),
}

function watcherTypeOf({ flags }: ParsedWords): WatcherType {
  if (flags.size > 1) throw new UsageError('Only one of -c, -d and -a can be given')
  if (flags.has('c')) return 'children'
  return flags.has('d') ? 'data' : 'any'
}
