// The file of the audit log: lines are appended, in order, and another program may rename or cut it.

import { createWriteStream, openSync, type WriteStream } from 'node:fs'
import { RefusedStartError } from '../refused-start.ts'

export interface AuditFile {
  line(text: string): void
  /** Waits until everything is written. */
  close(): Promise<void>
}

/**
 * @param path and `quoted`, the option that names it
 * @throws RefusedStartError for a file that cannot be opened
 */
export function openAuditFile(
  { path, quoted }: { readonly path: string; readonly quoted: string },
  onError: (error: Error) => void,
): AuditFile {
  let stream: WriteStream
  try {
    const fd = openSync(path, 'a', 0o600)
    stream = createWriteStream(path, { fd, flags: 'a' })
  } catch (cause) {
    const found = (cause as Error).message
    throw new RefusedStartError(`Cannot use ${quoted} for the audit log: ${found}`, { cause })
  }
  stream.on('error', onError)
  return {
    line: (text) => {
      stream.write(`${text}\n`)
    },
    close: () => new Promise((closed) => stream.end(() => closed())),
  }
}
