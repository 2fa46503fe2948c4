// The servers or brokers that a program names: one string, as ZooKeeper's clients take it, or a list of
// strings and of { host, port }.

import { isIPv6 } from 'node:net'
import { type Kind, Misfit, misfit } from './arguments.ts'
import { readServer, readServers, type ServerAddress, type ServerPlace } from './servers.ts'

/** One server; its port may be left out. */
export type ServerLike = string | { readonly host: string; readonly port?: number }

/** `'host:port,host:port/chroot'`, or a list. An IPv6 address in a string stands in brackets. */
export type ServerList = string | readonly ServerLike[]

/** @param defaultPort of those that are named without one */
export function serverList(defaultPort: number): Kind<ServerPlace> {
  return (value, name) => {
    if (typeof value === 'string') return ofText(readServers(value, defaultPort), value, name)
    const allowed = `'host:port,host:port', or an array of 'host:port' or { host, port }`
    if (!Array.isArray(value)) throw misfit(value, name, allowed)
    if (value.length === 0) throw new Misfit(name, `is empty; allowed: ${allowed}`)
    const servers: ServerAddress[] = []
    for (let i = 0; i < value.length; i++) {
      servers.push(serverOf(value[i], `${name}[${i}]`, defaultPort))
    }
    return { servers, chroot: '' }
  }
}

function serverOf(value: unknown, name: string, defaultPort: number): ServerAddress {
  if (typeof value === 'string') return ofText(readServer(value.trim(), defaultPort), value, name)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw misfit(value, name, `'host:port' or { host, port }`)
  }
  // Further fields are let pass: what admin.cluster() names as a broker is an address as well.
  const { host, port = defaultPort } = value as Readonly<Record<string, unknown>>
  if (typeof host !== 'string' || !isHost(host)) {
    throw misfit(host, `${name}.host`, 'a name or an address, without brackets')
  }
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw misfit(port, `${name}.port`, 'a whole number from 1 to 65535')
  }
  return { host, port }
}

function isHost(host: string): boolean {
  return isIPv6(host) || /^[^\s[\]/,:\p{Cc}]+$/u.test(host)
}

function ofText<T>(read: T | string, given: string, name: string): T {
  if (typeof read !== 'string') return read
  throw misfit(given, name, 'host:port', `: ${read}`)
}
