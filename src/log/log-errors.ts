// The errors of a log. Each names the file, so that the operator knows where to look.

/** Data that was acknowledged, or must be readable, is missing. Nothing was changed on the disk. */
export class LogDamagedError extends Error {
  override readonly name = 'LogDamagedError'
  readonly file: string
  readonly byteOffset: number

  constructor(file: string, byteOffset: number, found: string) {
    super(`Cannot use log ${file}: damaged at byte ${byteOffset}: ${found}`)
    this.file = file
    this.byteOffset = byteOffset
  }
}

/** The log was written in a format version that this program does not know. */
export class LogVersionError extends Error {
  override readonly name = 'LogVersionError'
  readonly file: string
  readonly byteOffset: number

  constructor(file: string, byteOffset: number) {
    super(
      `Cannot use log ${file}: the record at byte ${byteOffset} has another format version: ` +
        'start the version of this program that wrote it',
    )
    this.file = file
    this.byteOffset = byteOffset
  }
}

/** Whether records that were durable cannot be read. */
export function isUnreadable(error: unknown): error is LogDamagedError | LogVersionError {
  return error instanceof LogDamagedError || error instanceof LogVersionError
}

/** A write or fsync failed. Nothing is known about earlier or later ones: the process must end. */
export class LogFailedError extends Error {
  override readonly name = 'LogFailedError'
  readonly file: string
  readonly code: string

  constructor(file: string, cause: Error) {
    super(`Cannot write log ${file}: ${cause.message}`, { cause })
    this.file = file
    this.code = (cause as NodeJS.ErrnoException).code ?? 'UNKNOWN'
  }
}
