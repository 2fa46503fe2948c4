// A session with ZooWeeper of a command that knows the secret of the brokers, and so may change what they
// keep there: users and rules of access.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { TlsOptions } from '../../client/tls.ts'
import { ZkClient, ZkError } from '../../client/zk/zk-client.ts'
import { ClusterSecret } from '../../protocol/mq/cluster-secret.ts'
import { readSecretFile } from '../../secret-file.ts'
import { BadUsage, type serverOption } from '../cli-command.ts'

const connectTimeoutMs = 10_000

export const secretFileOption = {
  type: 'string',
  demandOption: true,
  describe: 'the secret of the brokers (zw secret)',
} as const

interface SecretSession {
  readonly server: ReturnType<ReturnType<typeof serverOption>['coerce']>
  readonly secretFile: string
  /** undefined: plaintext */
  readonly tls: TlsOptions | undefined
}

/**
 * @throws BadUsage if there is no secret; Error if it is another one; what `use` throws
 */
export async function withSecret(
  { server, secretFile, tls }: SecretSession,
  use: (zk: ZkClient, secret: ClusterSecret) => Promise<void>,
): Promise<void> {
  const { servers, chroot } = server
  const secret = readSecret(secretFile)
  const zk = new ZkClient({
    servers,
    chroot,
    connectTimeoutMs,
    defaultAcl: secret.acl,
    ...(tls && { tls }),
  })
  await zk.connect()
  try {
    await zk.addAuth('digest', secret.credential)
    await use(zk, secret)
  } catch (error) {
    if (!(error instanceof ZkError) || error.code !== 'NOAUTH') throw error
    throw new Error(`Cannot use ${secretFile}: it is not the secret of these brokers`)
  } finally {
    await zk.close()
  }
}

/** Unlike a broker it does not make the file: a new secret would be none of the brokers'. */
function readSecret(path: string): ClusterSecret {
  if (!existsSync(path)) throw new BadUsage(`Cannot use --secret-file ${path}: there is no file`)
  return new ClusterSecret(readSecretFile({ path, quoted: path, randomBytes }))
}
