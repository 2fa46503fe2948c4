// Znode operations shared by the modules that store groups.

import { ZkError } from '../../protocol/error-codes.ts'
import { parentOf } from '../../protocol/path.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'

/** @throws ZkError */
export async function createWithParents(
  zk: ZkAccess,
  path: string,
  data: string | null,
): Promise<void> {
  try {
    await zk.create(path, data)
  } catch (error) {
    if (!hasCode(error, 'NONODE')) throw error
    await makeSure(zk, parentOf(path))
    await createWithParents(zk, path, data)
  }
}

/** Creates the znode unless it exists. @throws ZkError */
export async function makeSure(zk: ZkAccess, path: string): Promise<void> {
  await createWithParents(zk, path, null).catch((cause: unknown) => {
    if (!hasCode(cause, 'NODEEXISTS')) throw cause
  })
}

/** @returns undefined if the znode does not exist. @throws ZkError */
export async function childrenOf(zk: ZkAccess, path: string): Promise<string[] | undefined> {
  try {
    return (await zk.getChildren(path)).children
  } catch (error) {
    if (hasCode(error, 'NONODE')) return undefined
    throw error
  }
}

export function hasCode(error: unknown, ...codes: readonly ZkError['code'][]): boolean {
  return error instanceof ZkError && codes.includes(error.code)
}
