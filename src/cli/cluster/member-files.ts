// The output of each member of a cluster goes to DIR/NAME.log, and never disturbs the terminal.

import { createWriteStream, renameSync, statSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import { limits } from '../../limits.ts'
import type { Cluster, Member } from './cluster.ts'

export function logFileOf(dataDir: string, { name }: Member): string {
  return join(dataDir, `${name}.log`)
}

/**
 * Appends; a large file first becomes NAME.log.old.
 *
 * @param onProblem called once for each file that cannot be written
 */
export function keepLogs(
  cluster: Cluster,
  dataDir: string,
  onProblem: (problem: string) => void,
): void {
  const streams = new Map<string, WriteStream>()
  for (const member of cluster.members) {
    const file = logFileOf(dataDir, member)
    setAsideIfLarge(file)
    const stream = createWriteStream(file, { flags: 'a' })
    stream.on('error', (error) => {
      streams.delete(member.name)
      onProblem(`Cannot write ${file}: ${error.message}`)
    })
    streams.set(member.name, stream)
  }
  cluster.on('line', ({ name }, line) => streams.get(name)?.write(`${line}\n`))
}

function setAsideIfLarge(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > limits.memberLogBytes) renameSync(file, `${file}.old`)
}
