// All paths at and below one, read level by level: the requests of a level are pipelined.

import type { Watcher, ZkClient } from '../../../client/zk/zk-client.ts'
import { ZkError } from '../../../protocol/error-codes.ts'
import { childPath } from '../../../protocol/path.ts'

/** Maximum requests in flight: bounds the cost of a broad level. */
const batch = 1000

/**
 * @param watcher receives the next change of each path's children, once
 * @returns the paths, every parent before its children. Znodes deleted meanwhile are left out, except
 *   `top` itself.
 * @throws ZkError
 */
export async function subtreeOf(zk: ZkClient, top: string, watcher?: Watcher): Promise<string[]> {
  const found = [top]
  for (let from = 0; from < found.length; ) {
    const some = found.slice(from, from + batch)
    from += some.length
    const asked = some.map((path) => childrenOf(zk, path, { mustExist: path === top, watcher }))
    const children = await Promise.all(asked)
    for (const paths of children) found.push(...paths)
  }
  return found
}

async function childrenOf(
  zk: ZkClient,
  path: string,
  { mustExist, watcher }: { mustExist: boolean; watcher: Watcher | undefined },
): Promise<string[]> {
  try {
    const { children } = await zk.getChildren(path, watcher)
    return children.map((name) => childPath(path, name))
  } catch (error) {
    const gone = error instanceof ZkError && error.code === 'NONODE'
    if (gone && !mustExist) return []
    throw error
  }
}

/** Depth first: each path followed by its subtree, siblings by name. */
export function inTreeOrder(paths: readonly string[]): string[] {
  const keys = new Map(paths.map((path) => [path, path === '/' ? '' : path.replaceAll('/', '\0')]))
  return [...paths].sort((a, b) => ((keys.get(a) ?? '') < (keys.get(b) ?? '') ? -1 : 1))
}
