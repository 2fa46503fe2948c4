// `zw secret`: the file by which the brokers of a cluster, or the servers of an ensemble, know each other.

import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { ClusterSecret } from '../../protocol/mq/cluster-secret.ts'
import { readSecretFile } from '../../secret-file.ts'
import { cliCommand } from '../cli-command.ts'
import { toStdout } from '../output.ts'

export const secret = cliCommand({
  command: 'secret <file>',
  usage: 'zw secret FILE [--auth]',
  describe:
    'make the file with the secret of brokers, or of servers (peerSecretFile), unless it is there',
  builder: (cli) =>
    cli
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'the same on every machine; others may not read it',
      })
      .option('auth', {
        type: 'boolean',
        default: false,
        describe: 'print the line for a shell that is to change znodes of the brokers',
      }),
  handler({ file, auth }) {
    const path = resolve(file)
    const bytes = readSecretFile({ path, quoted: file, randomBytes })
    const { credential } = new ClusterSecret(bytes)
    toStdout(auth ? `addauth digest ${Buffer.from(credential).toString()}\n` : `${path}\n`)
  },
})
