// Standard output and error for text from clients, servers and brokers.
//
// A terminal gets it with control characters escaped (printable.ts). A pipe or a file gets the
// exact bytes on standard output, so that `zw shell get` and `zw consume` can be piped. Standard
// error carries messages, not data: it is always escaped.

import { printable, printableBytes } from '../printable.ts'

export type Content = string | Uint8Array

interface Output {
  readonly isTTY?: boolean
  write(content: Content): unknown
}

/** @returns whether the stream accepts more immediately, like `stream.write` */
export function writeForeign(stream: Output, content: Content): boolean {
  if (stream.isTTY !== true) return stream.write(content) !== false
  return stream.write(escapedContent(content)) !== false
}

function escapedContent(content: Content): string {
  return typeof content === 'string' ? printable(content) : printableBytes(content)
}

export function toStdout(content: Content): void {
  writeForeign(process.stdout, content)
}

export function toStderr(text: string): void {
  process.stderr.write(printable(text))
}

/** A reader that closes the pipe (`zw shell ls -R / \p head`) ends the program without failure. */
export function endWithReaders(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    toStderr(`Cannot write to standard output: ${error.message}\n`)
    process.exit(1)
  })
  process.stderr.on('error', () => process.exit(1))
}
