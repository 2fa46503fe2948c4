import type { ShellCommand } from './shell-command.ts'

export const sync: ShellCommand = {
  name: 'sync',
  usage: '[path]',
  about: 'waits until this server has every write that was acknowledged before',
  options: {},
  words: { min: 0, max: 1 },
  async run(shell, words) {
    await shell.zk.sync(words.rest[0])
    shell.print('Sync is OK')
  },
}
