// The identities of a session.

import { oneLine } from '../../../printable.ts'
import { ZkError } from '../../../protocol/error-codes.ts'
import { type ShellCommand, wordAt } from './shell-command.ts'

export const addauth: ShellCommand = {
  name: 'addauth',
  usage: 'scheme auth',
  about: 'adds an identity to this session: addauth digest user:password',
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
  about: 'prints the identities of this session',
  options: {},
  words: { min: 0, max: 0 },
  async run(shell) {
    const identities = await shell.zk.whoAmI()
    shell.print('Auth scheme: User')
    for (const { scheme, id } of identities) shell.print(oneLine(`${scheme}: ${id}`))
  },
}
