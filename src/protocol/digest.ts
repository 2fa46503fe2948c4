// ZooKeeper's scheme `digest`: a client sends `user:password`, and an ACL names the user with a
// hash.

import { createHash } from 'node:crypto'
import { asBuffer } from '../as-buffer.ts'

/** @returns `user:` and the base64 of the SHA-1 over `user:password`, as an ACL names that user */
export function digestOf(credential: Uint8Array): string {
  const text = asBuffer(credential)
  const colon = text.indexOf(':')
  const user = colon === -1 ? text : text.subarray(0, colon)
  return `${user.toString('utf8')}:${createHash('sha1').update(credential).digest('base64')}`
}
