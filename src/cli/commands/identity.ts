// Who we are to the servers.

import { ZkError } from '../../protocol/error-codes.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const addauth: ShellCommand = {
  name: 'addauth',
  usage: 'scheme auth',
  about: 'proves who we are, for the rest of the session: addauth digest user:password',
  options: {},
  words: { min: 1, max: 2 },
  async run(shell, words) {
    const scheme = wordAt(words, 0)
    try {
      await shell.zk.addAuth(scheme, wordAt(words, 1))
    } catch (error) {
      if (!(error instanceof ZkError) || error.code !== 'AUTHFAILED') throw error
      throw new Error(`Authentication is not valid : ${scheme}`)
    }
  },
}

export const whoami: ShellCommand = {
  name: 'whoami',
  usage: '',
  about: 'prints whom the server takes us for',
  options: {},
  words: { min: 0, max: 0 },
  async run(shell) {
    const identities = await shell.zk.whoAmI()
    shell.print('Auth scheme: User')
    for (const { scheme, id } of identities) shell.print(`${scheme}: ${id}`)
  },
}
