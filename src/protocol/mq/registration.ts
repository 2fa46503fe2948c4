// A broker's registration in ZooWeeper, the ephemeral znode /brokers/ids/N, where other brokers and
// clients find its address. The shape is Kafka's (3.9); `directory` and `leaving` are ours.

import { type Address, formatAddress } from '../../address.ts'
import { isNatural, objectOf } from '../../json.ts'
import type { DirectoryId } from './messages.ts'

/** Parent of the registrations of all live brokers. */
export const brokerIdsPath = '/brokers/ids'

export interface Registration extends Address {
  readonly directory: DirectoryId
  /** where it stands: replicas are spread over racks */
  readonly rack?: string | undefined
  /** it is connected to by TLS */
  readonly isSecure?: boolean
  /** it is about to stop, and hands its partitions over first */
  readonly isLeaving?: boolean
}

export function encodeRegistration(registration: Registration, wallMs: number): string {
  const { host, port, directory, rack = null, isLeaving = false, isSecure } = registration
  return JSON.stringify({
    version: 5,
    host,
    port,
    endpoints: [`NATIVE://${formatAddress({ host, port })}`],
    listener_security_protocol_map: { NATIVE: isSecure === true ? 'SSL' : 'PLAINTEXT' },
    rack,
    jmx_port: -1,
    features: {},
    timestamp: String(wallMs),
    directory,
    leaving: isLeaving || undefined,
  })
}

export function decodeRegistration(data: Buffer | null): Registration | undefined {
  const address = registeredAddress(data)
  const { directory, rack, leaving, listener_security_protocol_map: protocols } = objectOf(data)
  if (address === undefined || typeof directory !== 'string') return undefined
  return {
    host: address.host,
    port: address.port,
    directory: directory as DirectoryId,
    rack: typeof rack === 'string' ? rack : undefined,
    isLeaving: leaving === true,
    isSecure: Reflect.get(Object(protocols), 'NATIVE') === 'SSL',
  }
}

/** The part of a registration that a client needs. */
export function registeredAddress(data: Buffer | null): Address | undefined {
  const { host, port } = objectOf(data)
  return typeof host === 'string' && isNatural(port) ? { host, port } : undefined
}
