// Users in the ZooWeeper of a world of brokers.

import {
  configPath,
  encodeUser,
  userPath,
  usersPath,
} from '../../../src/protocol/mq/user-credentials.ts'
import { makeCredential } from '../../../src/protocol/sasl/scram-credential.ts'
import type { BrokerWorld } from '../broker-world.ts'

/** With credentials of both mechanisms. */
export async function makeUser(world: BrokerWorld, user: string, password: string): Promise<void> {
  const options = { salt: Buffer.from('some salt'), iterations: 4096 }
  const credentials = new Map([
    ['SCRAM-SHA-256', await makeCredential('SCRAM-SHA-256', password, options)],
    ['SCRAM-SHA-512', await makeCredential('SCRAM-SHA-512', password, options)],
  ] as const)
  const zk = await world.zk()
  for (const path of [configPath, usersPath]) {
    if ((await zk.exists(path)) === undefined) await zk.create(path)
  }
  await zk.create(userPath(user) ?? '', encodeUser(null, credentials))
}
