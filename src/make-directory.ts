// Directories that survive a power cut: a file fsynced in a directory is lost if the directory's
// own name was not made durable as well.

import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/**
 * Creates a directory and its missing parents, for this user only, and makes the new names durable.
 *
 * One at a time: the recursive mkdir of Node.js 20 never returns for a parent in which no directory
 * can be created, as in /proc.
 *
 * @throws what the file system throws: EACCES, ENOENT, ENOTDIR, EEXIST for a file of that name …
 */
export function makeDirectory(path: string): void {
  const missing: string[] = []
  for (let at = resolve(path); !isThere(at); at = dirname(at)) missing.push(at)
  for (const each of missing.reverse()) {
    mkdirIfMissing(each)
    syncPath(dirname(each))
  }
  if (missing.length === 0 && !statSync(path).isDirectory()) mkdirSync(path) // throws EEXIST
}

function isThere(path: string): boolean {
  try {
    // Throws for a path below a file.
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return false
    throw error
  }
}

/** Another process may create the same directories at the same time. */
function mkdirIfMissing(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const isMade = (error as NodeJS.ErrnoException).code === 'EEXIST'
    if (!isMade || !statSync(path).isDirectory()) throw error
  }
}

/** Makes a file durable, or the names in a directory. */
export function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
