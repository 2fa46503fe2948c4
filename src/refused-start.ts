// A refused start, as opposed to a failed one.

/**
 * The program cannot start with its options, data directory or address. A retry would fail in the
 * same way, so programs print the message and exit with 2, and systemd leaves them down.
 */
export class RefusedStartError extends Error {
  override readonly name: string = 'RefusedStartError'
}
