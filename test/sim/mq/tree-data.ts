// What a znode of a simulated server holds, as a client would read it.

import type { ZTree } from '../../../src/daemon/ztree/ztree.ts'

/** null: it has no data, or does not exist */
export function dataOf(tree: ZTree, path: string): Buffer | null {
  const data = tree.get(path)?.data ?? null
  return data === null ? null : Buffer.from(data)
}
