import { type ShellCommand, versionOf, wordAt } from './shell-command.ts'

export const deleteCommand: ShellCommand = {
  name: 'delete',
  usage: '[-v version] path',
  about: 'deletes a znode without children; -v only at that version',
  options: { v: 'value' },
  words: { min: 1, max: 1 },
  run: (shell, words) => shell.zk.delete(wordAt(words, 0), versionOf(words)),
}
