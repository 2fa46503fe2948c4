// A broker's registration in ZooWeeper, the ephemeral znode /brokers/ids/N, where other brokers and
// clients find its address. The shape is Kafka's (3.9); `directory` is ours.

import { type Address, formatAddress } from '../../address.ts'
import { isNatural, objectOf } from '../../json.ts'
import type { DirectoryId } from './messages.ts'

/** Parent of the registrations of all live brokers. */
export const brokerIdsPath = '/brokers/ids'

export interface Registration extends Address {
  readonly directory: DirectoryId
}

export function encodeRegistration(registration: Registration, wallMs: number): string {
  const { host, port, directory } = registration
  return JSON.stringify({
    version: 5,
    host,
    port,
    endpoints: [`NATIVE://${formatAddress({ host, port })}`],
    listener_security_protocol_map: { NATIVE: 'PLAINTEXT' },
    rack: null,
    jmx_port: -1,
    features: {},
    timestamp: String(wallMs),
    directory,
  })
}

export function decodeRegistration(data: Buffer | null): Registration | undefined {
  const address = registeredAddress(data)
  const { directory } = objectOf(data)
  if (address === undefined || typeof directory !== 'string') return undefined
  return { host: address.host, port: address.port, directory: directory as DirectoryId }
}

/** The part of a registration that a client needs. */
export function registeredAddress(data: Buffer | null): Address | undefined {
  const { host, port } = objectOf(data)
  return typeof host === 'string' && isNatural(port) ? { host, port } : undefined
}
