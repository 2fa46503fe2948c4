// Lines of standard input or of a file, as bytes: only a line feed ends a line. A carriage return
// before the line feed belongs to the line.

export interface Line {
  /** from 1 */
  readonly number: number
  readonly bytes: Buffer
}

/** A line longer than its reader accepts. */
export class LineTooLongError extends Error {
  override readonly name = 'LineTooLongError'
  readonly line: number
  /** its length, or `more than` that */
  readonly bytes: string
  readonly bytesMax: number

  constructor(line: number, bytes: string, bytesMax: number) {
    super(`Cannot read line ${line}: it has ${bytes} bytes, at most ${bytesMax} are allowed`)
    this.line = line
    this.bytes = bytes
    this.bytesMax = bytesMax
  }
}

/** How far an overlong line is read to measure it, in multiples of its `bytesMax`. */
const measuredMax = 64

const lineFeed = 0x0a

/**
 * The last line needs no line feed. Memory is bounded by `bytesMax`.
 *
 * @throws LineTooLongError
 */
export async function* linesOf(
  input: AsyncIterable<Buffer | string>,
  bytesMax: number,
): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    const buffer = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    let from = 0
    for (;;) {
      const found = buffer.indexOf(lineFeed, from)
      const end = found < 0 ? buffer.length : found
      bytes += end - from
      if (bytes > bytesMax) parts = []
      else if (end > from) parts.push(buffer.subarray(from, end))
      if (found < 0) {
        if (bytes > measuredMax * bytesMax) throw tooLong(number, `more than ${bytes}`, bytesMax)
        break
      }
      if (bytes > bytesMax) throw tooLong(number, String(bytes), bytesMax)
      yield { number, bytes: joined(parts) }
      number++
      parts = []
      bytes = 0
      from = end + 1
    }
  }
  if (bytes > bytesMax) throw tooLong(number, String(bytes), bytesMax)
  if (bytes > 0) yield { number, bytes: joined(parts) }
}

function tooLong(line: number, bytes: string, bytesMax: number): LineTooLongError {
  return new LineTooLongError(line, bytes, bytesMax)
}

function joined(parts: readonly Buffer[]): Buffer {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
}
