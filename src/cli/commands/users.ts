// `zw users`: the users whom brokers with SASL let in. Their credentials lie in ZooWeeper, where Kafka
// keeps them, and only programs that know the secret of the cluster may read or change them.

import { randomBytes } from 'node:crypto'
import { type ZkClient, ZkError } from '../../client/zk/zk-client.ts'
import type { ClusterSecret } from '../../protocol/mq/cluster-secret.ts'
import {
  configPath,
  decodeUser,
  encodeUser,
  mechanismNames,
  userOf,
  userPath,
  usersPath,
} from '../../protocol/mq/user-credentials.ts'
import type { Acl } from '../../protocol/records.ts'
import {
  iterationsMax,
  iterationsMin,
  makeCredential,
  type ScramCredential,
  type ScramMechanism,
} from '../../protocol/sasl/scram-credential.ts'
import { BadUsage, cliCommand, outputOption, serverOption, wholeNumber } from '../cli-command.ts'
import { toStdout } from '../output.ts'
import { readPassword } from '../password.ts'
import { tlsOf, tlsOptions } from '../tls-options.ts'
import { secretFileOption, withSecret } from './secret-session.ts'

const saltBytes = 32

export const users = cliCommand({
  command: 'users <action> [name]',
  valued: 'so',
  usage:
    'zw users list | create NAME | delete NAME  --secret-file FILE [--password-file FILE] [-o json]',
  describe: 'the users that may authenticate themselves to the brokers',
  builder: (cli) =>
    tlsOptions(cli)
      .positional('action', {
        type: 'string',
        choices: ['list', 'create', 'delete'] as const,
        demandOption: true,
        describe: 'create: a new user, or a new password of one',
      })
      .positional('name', { type: 'string', describe: 'name of the user' })
      .option('server', serverOption('ZooWeeper servers of the brokers: host:port,…[/chroot]'))
      .option('secret-file', secretFileOption)
      .option('password-file', {
        type: 'string',
        describe: 'holds the password; default: the terminal, or standard input',
      })
      .option('iterations', {
        default: 8192,
        coerce: wholeNumber('--iterations', { min: iterationsMin, max: iterationsMax }),
        describe: 'how long a guess of the password takes',
      })
      .option('output', outputOption),
  async handler(words) {
    const { action, name, server, secretFile, passwordFile, iterations, output } = words
    if (action !== 'list' && name === undefined) {
      throw new BadUsage(`Cannot ${action} a user: its name is missing`)
    }
    const made = name === undefined ? '' : pathOf(name)
    const password = action === 'create' ? await readPassword(passwordFile) : ''
    const { chroot } = server
    await withSecret({ server, secretFile, tls: tlsOf(words) }, async (zk, secret) => {
      try {
        const isJson = output === 'json'
        if (action === 'list' || name === undefined) {
          printUsers(await list(zk), isJson)
          return
        }
        const done =
          action === 'create'
            ? await create(zk, { path: made, password, iterations, secret })
            : await remove(zk, made)
        const told = `${JSON.stringify({ user: name, [done]: true })}\n`
        toStdout(isJson ? told : doneTexts[done](name))
      } catch (error) {
        throw explained(error, { action, name, chroot })
      }
    })
  },
})

function pathOf(name: string): string {
  const path = userPath(name)
  if (path === undefined) throw new BadUsage('Cannot use the name of the user: it is too long')
  return path
}

interface ListedUser {
  readonly user: string
  readonly mechanisms: readonly ScramMechanism[]
}

function printUsers(users: readonly ListedUser[], isJson: boolean): void {
  if (isJson) toStdout(`${JSON.stringify(users)}\n`)
  else for (const { user, mechanisms } of users) toStdout(`${user}\t${mechanisms.join(', ')}\n`)
}

async function list(zk: ZkClient): Promise<readonly ListedUser[]> {
  if ((await zk.exists(usersPath)) === undefined) return []
  const users: ListedUser[] = []
  const { children } = await zk.getChildren(usersPath)
  for (const child of children.sort()) {
    const user = userOf(child)
    if (user === undefined) continue
    const credentials = decodeUser((await zk.getData(`${usersPath}/${child}`)).data)
    if (credentials.size > 0) users.push({ user, mechanisms: [...credentials.keys()] })
  }
  return users
}

interface NewUser {
  readonly path: string
  readonly password: string
  readonly iterations: number
  readonly secret: ClusterSecret
}

const doneTexts = {
  created: (name: string) => `User ${name} is created.\n`,
  changed: (name: string) => `The password of user ${name} is changed.\n`,
  deleted: (name: string) => `User ${name} is deleted.\n`,
} as const

/** @returns `changed`: the user had credentials, which hold no longer */
async function create(
  zk: ZkClient,
  { path, password, iterations, secret }: NewUser,
): Promise<'created' | 'changed'> {
  const credentials = new Map<ScramMechanism, ScramCredential>()
  for (const mechanism of mechanismNames) {
    const salt = randomBytes(saltBytes)
    credentials.set(mechanism, await makeCredential(mechanism, password, { salt, iterations }))
  }
  // Keys that are guessed offline are worth a password: no client may read them.
  const forBrokers = secret.acl.filter((acl) => acl.scheme !== 'world')
  await makeSure(zk, configPath, secret.acl)
  await makeSure(zk, usersPath, forBrokers)
  if (await makeSure(zk, path, forBrokers, encodeUser(null, credentials))) return 'created'
  const { data, stat } = await zk.getData(path)
  await zk.setData(path, encodeUser(data, credentials), stat.version)
  return decodeUser(data).size === 0 ? 'created' : 'changed'
}

async function remove(zk: ZkClient, path: string): Promise<'deleted'> {
  await zk.delete(path)
  return 'deleted'
}

/** @returns whether it was made: it may be there already */
async function makeSure(
  zk: ZkClient,
  path: string,
  acl: readonly Acl[],
  data = '',
): Promise<boolean> {
  try {
    await zk.create(path, data, { acl })
    return true
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NODEEXISTS') return false
    throw error
  }
}

interface Circumstances {
  readonly action: 'list' | 'create' | 'delete'
  readonly name: string | undefined
  readonly chroot: string
}

function explained(error: unknown, { action, name, chroot }: Circumstances): unknown {
  if (!(error instanceof ZkError) || error.code !== 'NONODE' || name === undefined) return error
  if (action === 'delete') return new Error(`Cannot delete user '${name}': there is no such user`)
  if (action === 'create') {
    const found = `there is no znode ${chroot}, which the first broker with this chroot makes`
    return new Error(`Cannot create user '${name}': ${found}`)
  }
  return error
}
