// Commands about the shell itself.

import { readFileSync } from 'node:fs'
import { UsageError } from '../parse-line.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

const historyShown = 11

const help: ShellCommand = {
  name: 'help',
  usage: '',
  about: 'prints this list',
  options: {},
  words: { min: 0, max: 0 },
  run(shell) {
    const rows = shell.commands.map(({ name, usage, about }) => ({
      how: usage === '' ? name : `${name} ${usage}`,
      about,
    }))
    const width = 34
    for (const { how, about } of rows) {
      shell.print(how.length < width ? `  ${how.padEnd(width)} ${about}` : `  ${how}`)
      if (how.length >= width) shell.print(`  ${' '.repeat(width)} ${about}`)
    }
  },
}

const history: ShellCommand = {
  name: 'history',
  usage: '',
  about: 'prints the latest commands with their numbers',
  options: {},
  words: { min: 0, max: 0 },
  run(shell) {
    const { history } = shell
    for (let i = Math.max(0, history.length - historyShown); i < history.length; i++) {
      shell.print(`${i} - ${history[i]}`)
    }
  },
}

const redo: ShellCommand = {
  name: 'redo',
  usage: 'number',
  about: 'runs the command with this number again',
  options: {},
  words: { min: 1, max: 1 },
  run(shell, words) {
    const text = wordAt(words, 0)
    const line = /^\d+$/.test(text) ? shell.history[Number(text)] : undefined
    if (line === undefined) throw new UsageError(`There is no command ${text}`)
    if (/^\s*redo\b/.test(line)) throw new UsageError(`Cannot redo ${text}: it is a redo itself`)
    return shell.run(line)
  },
}

const printwatches: ShellCommand = {
  name: 'printwatches',
  usage: 'on|off',
  about: 'prints events of watches, or not',
  options: {},
  words: { min: 0, max: 1 },
  run(shell, { rest: [word] }) {
    if (word === undefined) {
      shell.print(`printwatches is ${shell.printWatches ? 'on' : 'off'}`)
      return
    }
    if (word !== 'on' && word !== 'off') throw new UsageError('printwatches on|off')
    shell.printWatches = word === 'on'
  },
}

const connect: ShellCommand = {
  name: 'connect',
  usage: '[host:port,…]',
  about: 'begins a new session, here or at other servers',
  options: {},
  words: { min: 0, max: 1 },
  run: (shell, words) => shell.connect(words.rest[0]),
}

const close: ShellCommand = {
  name: 'close',
  usage: '',
  about: 'ends the session, not the shell',
  options: {},
  words: { min: 0, max: 0 },
  run: (shell) => shell.disconnect(),
}

const version: ShellCommand = {
  name: 'version',
  usage: '',
  about: 'prints the version of this program',
  options: {},
  words: { min: 0, max: 0 },
  run(shell) {
    const file = new URL('../../../package.json', import.meta.url)
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string }
    shell.print(`ZooWeeper CLI version: ${version}`)
  },
}

const quit: ShellCommand = {
  name: 'quit',
  usage: '',
  about: 'ends the session and the shell',
  options: {},
  words: { min: 0, max: 0 },
  run: (shell) => shell.quit(),
}

export const controlCommands = [
  history,
  redo,
  printwatches,
  connect,
  close,
  version,
  help,
  quit,
] as const
