// One process per data directory: the file `lock` names its owner.
//
// The file survives a kill -9, so its owner is checked: the owner is alive if a process has that id
// and started at the same time (ids are reused), since the same boot. A process in another
// container cannot be seen; LevelDB's own lock, which the kernel keeps, still holds then.

import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeDirectory } from './make-directory.ts'

export class DataDirLockedError extends Error {
  override readonly name = 'DataDirLockedError'
  readonly file: string
  readonly pid: number

  constructor(file: string, pid: number) {
    super(
      `Cannot use the data directory of ${file}: process ${pid} is using it. ` +
        'Stop that process, or give this one a data directory of its own',
    )
    this.file = file
    this.pid = pid
  }
}

interface Owner {
  readonly pid: number
  /** When the process started, in ticks since boot; null if unknown. */
  readonly started: string | null
  readonly boot: string | null
}

/**
 * Takes the lock of `dataDir`, which is created if missing.
 *
 * @returns a function that releases it
 * @throws DataDirLockedError if a living process has it
 */
export function lockDataDir(dataDir: string): () => void {
  makeDirectory(dataDir)
  const file = join(dataDir, 'lock')
  const mine = `${JSON.stringify(describe(process.pid))}\n`
  // Linked into place complete, so that no process reads half a lock.
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, mine)
  try {
    while (!maybeLink(aside, file)) removeIfStale(file)
  } finally {
    rmSync(aside, { force: true })
  }
  return () => {
    if (readIfThere(file) === mine) rmSync(file, { force: true })
  }
}

function maybeLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function removeIfStale(file: string): void {
  const found = readIfThere(file)
  if (found === undefined) return
  const owner = parseOwner(found)
  if (owner !== undefined && isAlive(owner)) throw new DataDirLockedError(file, owner.pid)
  // If several processes see a stale lock, one removes it; a lock created since is put back.
  const aside = `${file}.stale.${process.pid}`
  try {
    renameSync(file, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (readIfThere(aside) !== found) maybeLink(aside, file)
  rmSync(aside, { force: true })
}

function isAlive(owner: Owner): boolean {
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = describe(owner.pid)
  return owner.boot === now.boot && owner.started === now.started
}

function describe(pid: number): Owner {
  // The second field of stat is the command, in parentheses, and may contain anything; the start
  // time is the 22nd field, so the 20th after it (proc(5)).
  const stat = readIfThere(`/proc/${pid}/stat`)
  const started = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  const boot = readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? null
  return { pid, started, boot }
}

/** Undefined for a file that is not a valid lock: then no process is known to hold it. */
function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner
    return Number.isSafeInteger(owner.pid) && owner.pid > 0 ? owner : undefined
  } catch {
    return undefined
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
