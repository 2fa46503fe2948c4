// Reads the credentials of a user from ZooWeeper, each time that a client authenticates itself: they are
// few and small, and what `zw users` changed is in force at once.

import { ZkError } from '../../protocol/error-codes.ts'
import { decodeUser, type UserCredentials, userPath } from '../../protocol/mq/user-credentials.ts'
import type { ZkAccess } from './zk-access.ts'

const none: UserCredentials = new Map()

/** @returns none for a user that does not exist. @throws ZkError */
export async function readCredentials(
  session: { readonly zk: Pick<ZkAccess, 'getData'> } | undefined,
  user: string,
): Promise<UserCredentials> {
  const path = userPath(user)
  if (path === undefined) return none
  if (session === undefined) throw new ZkError('CONNECTIONLOSS', path, 'there is no session')
  try {
    return decodeUser((await session.zk.getData(path)).data)
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') return none
    throw error
  }
}
