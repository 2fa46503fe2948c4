// Errors that the user, the cluster or the network cause: the screen shows their message. Any other is a fault
// of this program, and ends it.

import { ZkError } from '../../protocol/error-codes.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'

export function isOuterError(error: unknown): error is Error {
  return error instanceof BrokerError || error instanceof ZkError || isSystemError(error)
}

/** An error that the operating system reports: of the file system, or of the network. */
export function isSystemError(
  error: unknown,
): error is NodeJS.ErrnoException & { readonly code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error
}
