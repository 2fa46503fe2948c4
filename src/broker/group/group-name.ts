// Group ids as names of znodes: characters other than letters, digits, dot, dash and underscore are
// escaped as in URLs. Kafka allows any group id. Ids allowed by the native protocol need no escape,
// so both protocols find the same group.

import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'

/** @throws BrokerError INVALID_GROUP_ID */
export function znodeNameOf(group: string): string {
  const name = encodeURIComponent(group)
    .replaceAll(/[!'()*~]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/^\.{1,2}$/, (dots) => '%2E'.repeat(dots.length))
  if (name.length > 0 && name.length <= limits.groupNameLengthMax) return name
  const found = name === '' ? 'it is empty' : `it has more than ${limits.groupNameLengthMax} bytes`
  throw new BrokerError('INVALID_GROUP_ID', `Cannot use group '${group.slice(0, 300)}': ${found}`)
}

/** @returns undefined for a name that `znodeNameOf` never returns */
export function groupOf(name: string): string | undefined {
  try {
    const group = decodeURIComponent(name)
    return znodeNameOf(group) === name ? group : undefined
  } catch {
    return undefined
  }
}
