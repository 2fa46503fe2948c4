// A list of servers or brokers from a program or a command line: one string, in the format of
// ZooKeeper's clients, or, in a program, a list of strings and of { host, port }.
//
//   host:port,host:port…[/chroot]      default port 2181, [::1]:2181 for IPv6

import { isIPv6 } from 'node:net'
import { type Address, readAddress } from '../address.ts'
import { ZkError } from '../protocol/error-codes.ts'
import { pathProblem } from '../protocol/path.ts'
import { type Kind, Misfit, misfit } from './arguments.ts'

export const defaultClientPort = 2181

/** `chroot` is '' if there is none, else a path other than / */
interface ServerPlace {
  readonly servers: readonly Address[]
  readonly chroot: string
}

/** One server; its port may be left out. */
export type ServerLike = string | { readonly host: string; readonly port?: number }

/**
 * `'host:port,host:port/chroot'`, or a list. An IPv6 address in a string is written in brackets.
 */
export type ServerList = string | readonly ServerLike[]

/** Reads `host:port,host:port/chroot`. @throws ZkError BADARGUMENTS */
export function parseServers(text: string): ServerPlace {
  const place = readServers(text, defaultClientPort)
  if (typeof place === 'string') {
    throw new ZkError('BADARGUMENTS', undefined, `Cannot read servers '${text}': ${place}`)
  }
  return place
}

/** @returns the servers, or the problem of the text */
function readServers(text: string, defaultPort: number): ServerPlace | string {
  const slash = text.indexOf('/')
  const list = slash < 0 ? text : text.slice(0, slash)
  const chroot = slash < 0 ? '/' : text.slice(slash)
  const problem = pathProblem(chroot)
  if (problem !== undefined) return problem
  const servers: Address[] = []
  for (const one of list.split(',')) {
    const server = readAddress(one.trim(), defaultPort)
    if (typeof server === 'string') return server
    servers.push(server)
  }
  return { servers, chroot: chroot === '/' ? '' : chroot }
}

/** @param defaultPort of servers without a port */
export function serverList(defaultPort: number): Kind<ServerPlace> {
  return (value, name) => {
    if (typeof value === 'string') return ofText(readServers(value, defaultPort), value, name)
    const allowed = `'host:port,host:port', or an array of 'host:port' or { host, port }`
    if (!Array.isArray(value)) throw misfit(value, name, allowed)
    if (value.length === 0) throw new Misfit(name, `is empty; allowed: ${allowed}`)
    const servers: Address[] = []
    for (let i = 0; i < value.length; i++) {
      servers.push(serverOf(value[i], `${name}[${i}]`, defaultPort))
    }
    return { servers, chroot: '' }
  }
}

function serverOf(value: unknown, name: string, defaultPort: number): Address {
  if (typeof value === 'string') return ofText(readAddress(value.trim(), defaultPort), value, name)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw misfit(value, name, `'host:port' or { host, port }`)
  }
  // Further fields are allowed: a broker from admin.cluster() is an address as well.
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
