import type { AddWatchMode, WatcherType } from '../../../protocol/zk/messages.ts'
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
      throw new UsageError(
        `Cannot use mode ${name}: it must be one of ${Object.keys(modes).join(', ')}`,
      )
    }
    return shell.zk.addWatch(wordAt(words, 0), mode, shell.watcher)
  },
}

export const removewatches: ShellCommand = {
  name: 'removewatches',
  usage: '[-c|-d|-p|-r|-a] [-l] path',
  about:
    'removes watches: -c children, -d data, -p persistent, -r recursive, -a all; -l also offline',
  options: { c: 'flag', d: 'flag', p: 'flag', r: 'flag', a: 'flag', l: 'flag' },
  words: { min: 1, max: 1 },
  run: (shell, words) => shell.zk.removeWatches(wordAt(words, 0), watcherTypeOf(words)),
}

const types: Readonly<Record<string, WatcherType>> = {
  c: 'children',
  d: 'data',
  p: 'persistent',
  r: 'persistentRecursive',
  a: 'any',
}

/** -l changes nothing: without a connection, watches are always removed here. */
function watcherTypeOf({ flags }: ParsedWords): WatcherType {
  const named = Object.keys(types).filter((letter) => flags.has(letter))
  if (named.length > 1) throw new UsageError('Cannot use more than one of -c, -d, -p, -r and -a')
  return types[named[0] ?? 'a'] ?? 'any'
}
