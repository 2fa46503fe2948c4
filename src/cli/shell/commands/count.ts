import { formatChildren } from '../format.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const getEphemerals: ShellCommand = {
  name: 'getEphemerals',
  usage: '[path]',
  about: "lists this session's ephemerals, or those whose paths begin with a prefix",
  options: {},
  words: { min: 0, max: 1 },
  async run(shell, words) {
    shell.print(formatChildren(await shell.zk.getEphemerals(words.rest[0])))
  },
}

export const getAllChildrenNumber: ShellCommand = {
  name: 'getAllChildrenNumber',
  usage: 'path',
  about: 'counts the znodes below one, at any depth',
  options: {},
  words: { min: 1, max: 1 },
  async run(shell, words) {
    shell.print(String(await shell.zk.getAllChildrenNumber(wordAt(words, 0))))
  },
}
