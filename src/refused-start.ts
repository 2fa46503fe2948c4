// A start that is refused, told from one that failed.

/**
 * The program cannot start on what it was given: options, a data directory, an address. The next try
 * would end the same way, so programs print the message, exit 2, and systemd leaves them down.
 */
export class RefusedStartError extends Error {
  override readonly name: string = 'RefusedStartError'
}
