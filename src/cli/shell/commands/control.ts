// Commands about the shell itself.

import { packageVersion } from '../../../package-version.ts'
import { UsageError } from '../parse-line.ts'
import { commandNamed, type ShellCommand, usageOf, wordAt } from './shell-command.ts'

const historyShown = 11

const help: ShellCommand = {
  name: 'help',
  isLocal: true,
  usage: '[command]',
  about: 'lists all commands, or shows how one is written',
  options: {},
  words: { min: 0, max: 1 },
  run(shell, { rest: [name] }) {
    if (name === undefined) {
      for (const command of shell.commands) shell.print(helpLine(command))
      return
    }
    const command = commandNamed(shell.commands, name)
    shell.print(usageOf(command))
    shell.print(`  ${command.about}`)
    if (command.aliases !== undefined) shell.print(`  also: ${command.aliases.join(', ')}`)
  },
}

const helpWidth = 34

/** A usage too long for its column gets its own line. */
function helpLine(command: ShellCommand): string {
  const usage = usageOf(command)
  const gap = usage.length < helpWidth ? '' : `\n  ${' '.repeat(helpWidth)}`
  return `  ${usage.padEnd(gap === '' ? helpWidth : 0)}${gap} ${command.about}`
}

const history: ShellCommand = {
  name: 'history',
  isLocal: true,
  usage: '',
  about: 'prints the latest commands with their numbers; passwords are left out',
  options: {},
  words: { min: 0, max: 0 },
  run(shell) {
    const { history } = shell
    const from = Math.max(0, history.length - historyShown)
    for (const [i, { shown }] of history.slice(from).entries()) {
      shell.print(`${from + i} - ${shown}`)
    }
  },
}

const redo: ShellCommand = {
  name: 'redo',
  isLocal: true,
  usage: 'number',
  about: 'runs the command with this number again',
  options: {},
  words: { min: 1, max: 1 },
  run(shell, words) {
    const text = wordAt(words, 0)
    const entry = /^\d+$/.test(text) ? shell.history[Number(text)] : undefined
    if (entry === undefined) {
      throw new UsageError(`Cannot redo ${text}: the history has no command with this number`)
    }
    if (/^\s*redo\b/.test(entry.line)) {
      throw new UsageError(`Cannot redo ${text}: that command is itself a redo`)
    }
    return shell.run(entry.line)
  },
}

const printwatches: ShellCommand = {
  name: 'printwatches',
  isLocal: true,
  usage: '[on|off]',
  about: 'turns the printing of watch events on or off, or says which it is',
  options: {},
  words: { min: 0, max: 1 },
  run(shell, { rest: [word] }) {
    if (word === undefined) {
      shell.print(`printwatches is ${shell.printWatches ? 'on' : 'off'}`)
      return
    }
    if (word !== 'on' && word !== 'off') {
      throw new UsageError(`Cannot set printwatches to '${word}': it must be on or off`)
    }
    shell.printWatches = word === 'on'
  },
}

const connect: ShellCommand = {
  name: 'connect',
  isLocal: true,
  usage: '[host:port,…]',
  about: 'begins a new session, at the same servers or at others; ends this one once it has',
  options: {},
  words: { min: 0, max: 1 },
  run: (shell, words) => shell.connect(words.rest[0]),
}

const close: ShellCommand = {
  name: 'close',
  isLocal: true,
  usage: '',
  about: 'ends the session and leaves the shell open',
  options: {},
  words: { min: 0, max: 0 },
  run: (shell) => shell.disconnect(),
}

const version: ShellCommand = {
  name: 'version',
  isLocal: true,
  usage: '',
  about: 'prints the version of this program',
  options: {},
  words: { min: 0, max: 0 },
  run(shell) {
    shell.print(`ZooWeeper CLI version: ${packageVersion()}`)
  },
}

const quit: ShellCommand = {
  name: 'quit',
  aliases: ['exit'],
  isLocal: true,
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
