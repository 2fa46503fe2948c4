// `envi`: the environment of this process. The keys are those of ZooKeeper's Environment; keys
// about Java have the Node.js equivalent as value.

import os from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { getHeapStatistics } from 'node:v8'

export function environmentRows(version: string): (readonly [string, string])[] {
  const {
    used_heap_size: used,
    total_heap_size: total,
    heap_size_limit: limit,
  } = getHeapStatistics()
  const { username, homedir } = user()
  return [
    ['zookeeper.version', version],
    ['host.name', os.hostname()],
    ['java.version', `none: Node.js ${process.versions.node}`],
    ['java.vendor', 'none'],
    ['java.home', dirname(process.execPath)],
    ['java.class.path', fileURLToPath(new URL('../..', import.meta.url))],
    ['java.library.path', ''],
    ['java.io.tmpdir', os.tmpdir()],
    ['java.compiler', `V8 ${process.versions.v8}`],
    ['os.name', os.type()],
    ['os.arch', os.arch()],
    ['os.version', os.release()],
    ['user.name', username],
    ['user.home', homedir],
    ['user.dir', process.cwd()],
    ['os.memory.free', mebibytes(total - used)],
    ['os.memory.max', mebibytes(limit)],
    ['os.memory.total', mebibytes(total)],
  ]
}

/** A user without an entry in the system's user database has neither. */
function user(): { readonly username: string; readonly homedir: string } {
  try {
    return os.userInfo()
  } catch {
    return { username: String(process.getuid?.() ?? ''), homedir: os.homedir() }
  }
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)}MB`
}
