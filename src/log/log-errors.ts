// What a log can refuse with. Each names the file, so that a person knows where to look.

/** What was acknowledged, or had to be readable, is not there. Nothing was changed on the disk. */
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

/** The log was written in a version of its format that this program does not know. */
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

/** A write or fsync failed. It proves nothing about earlier or later ones: the process must end. */
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
