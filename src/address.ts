// Addresses of servers and brokers, and their text form:
//
//   host:port      [::1]:port for IPv6, whose colons would run into the port's

import { isIPv6 } from 'node:net'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Where a program listens. */
export interface ListenAddress {
  /** undefined is all addresses */
  readonly host: string | undefined
  /** 0 lets the system choose */
  readonly port: number
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * Reads `host`, `host:port`, `[::1]` or `[::1]:port`.
 *
 * @returns the address, or the reason why `text` is not one
 */
export function readAddress(text: string, defaultPort: number): Address | string {
  const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:[\]\s/,]+))(?::(?<port>\d{1,5}))?$/.exec(text)
  const { ipv6, name } = match?.groups ?? {}
  const host = ipv6 ?? name
  if (host === undefined) return `'${text}' is not host:port${hintFor(text, defaultPort)}`
  if (ipv6 !== undefined && !isIPv6(ipv6)) return `'${ipv6}' is not an IPv6 address`
  const port = Number(match?.groups?.['port'] ?? defaultPort)
  if (port < 1 || port > 65535) return `port ${port} is not in 1 to 65535`
  return { host, port }
}

/** `::1:2181` may be an address, or an address with a port: brackets decide. */
function hintFor(text: string, defaultPort: number): string {
  const [, before = '', port = ''] = /^(.*):(\d{1,5})$/.exec(text) ?? []
  if (isIPv6(before)) return `, write [${before}]:${port}`
  if (isIPv6(text)) return `, write [${text}]:${defaultPort}`
  return ''
}
