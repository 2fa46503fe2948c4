// Directories that survive a power cut: what is fsynced in one is lost with the directory's own
// name, if nobody made that durable.

import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Makes a directory and those above it as needed, and makes the names of the new ones durable. */
export function makeDirectory(path: string): void {
  const firstMade = mkdirSync(path, { recursive: true })
  if (firstMade === undefined) return
  for (let made = resolve(path); made.length >= resolve(firstMade).length; made = dirname(made)) {
    const parent = openSync(dirname(made), 'r')
    try {
      fsyncSync(parent)
    } finally {
      closeSync(parent)
    }
  }
}
