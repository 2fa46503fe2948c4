// The option `dataDir` of both daemons: its absolute path, and the directories refused at startup.

import { isAbsolute, resolve } from 'node:path'
import { DataDirLockedError, lockDataDir } from './data-dir-lock.ts'
import { commandLine } from './options.ts'
import { RefusedStartError } from './refused-start.ts'

/** The part of ReadOptions that is needed here. */
interface Read {
  quote(name: 'dataDir'): string
  source(name: 'dataDir'): string | undefined
}

/**
 * @param warnings receives a warning about a path that depends on the service's working directory
 */
export function dataDirOf(given: {
  readonly read: Read
  readonly value: string
  readonly warnings: string[]
}): string {
  const { read, value, warnings } = given
  const path = resolve(value)
  // On the command line a path is relative to the user's directory; elsewhere it must begin with
  // `./`.
  const isMeant = isAbsolute(value) || /^\.{1,2}(\/|$)/.test(value)
  if (!isMeant && read.source('dataDir') !== commandLine) {
    const quoted = read.quote('dataDir')
    warnings.push(`${quoted} is relative, and means ${path}: write ./${value} if that is intended`)
  }
  return path
}

/** Errors that a retry cannot fix: wrong paths and permissions, unlike full or failing disks. */
const hopeless: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EEXIST',
  'EINVAL',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOENT',
  'ENOTDIR',
  'EPERM',
  'EROFS',
])

/**
 * Creates and locks a data directory.
 *
 * @param quoted the option as the user gave it
 * @returns a function that unlocks it
 * @throws DataDirLockedError; RefusedStartError; what the file system throws
 */
export function openDataDir(path: string, quoted: string): () => void {
  try {
    return lockDataDir(path)
  } catch (error) {
    if (error instanceof DataDirLockedError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (!hopeless.has(code)) throw error
    throw new RefusedStartError(`Cannot use ${quoted} as data directory: ${message}`, {
      cause: error,
    })
  }
}
