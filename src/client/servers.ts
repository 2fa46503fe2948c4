// Which servers there are, as people write them down, and which one to try next.
//
//   host:port,host:port…[/chroot]      port 2181 when left out, [::1]:2181 for IPv6

import { isIPv6 } from 'node:net'
import { ZkError } from '../protocol/error-codes.ts'
import { pathProblem } from '../protocol/path.ts'
import type { Random } from '../random.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

export const defaultClientPort = 2181

/** `chroot` is '' when there is none, else a path other than / */
export interface ServerPlace {
  readonly servers: readonly ServerAddress[]
  readonly chroot: string
}

/** Reads `host:port,host:port/chroot`. @throws ZkError BADARGUMENTS */
export function parseServers(text: string, defaultPort = defaultClientPort): ServerPlace {
  const place = readServers(text, defaultPort)
  if (typeof place === 'string') throw badServers(text, place)
  return place
}

/** @returns or what is wrong with the text */
export function readServers(text: string, defaultPort: number): ServerPlace | string {
  const slash = text.indexOf('/')
  const list = slash < 0 ? text : text.slice(0, slash)
  const chroot = slash < 0 ? '/' : text.slice(slash)
  const problem = pathProblem(chroot)
  if (problem !== undefined) return problem
  const servers: ServerAddress[] = []
  for (const one of list.split(',')) {
    const server = readServer(one.trim(), defaultPort)
    if (typeof server === 'string') return server
    servers.push(server)
  }
  return { servers, chroot: chroot === '/' ? '' : chroot }
}

/** `host`, `host:port`, `[::1]` or `[::1]:port`. @returns or what is wrong with it */
export function readServer(one: string, defaultPort: number): ServerAddress | string {
  const match = /^(?:\[(?<ipv6>[^\]]+)\]|(?<name>[^:[\]\s/,]+))(?::(?<port>\d{1,5}))?$/.exec(one)
  const { ipv6, name } = match?.groups ?? {}
  const host = ipv6 ?? name
  if (host === undefined) return `'${one}' is not host:port${hintFor(one, defaultPort)}`
  if (ipv6 !== undefined && !isIPv6(ipv6)) return `'${ipv6}' is no IPv6 address`
  const port = Number(match?.groups?.['port'] ?? defaultPort)
  if (port < 1 || port > 65535) return `port ${port} is not in 1 to 65535`
  return { host, port }
}

/** `::1:2181` may be an address, or one with a port: brackets tell. */
function hintFor(one: string, defaultPort: number): string {
  const [, before = '', port = ''] = /^(.*):(\d{1,5})$/.exec(one) ?? []
  if (isIPv6(before)) return `, write [${before}]:${port}`
  if (isIPv6(one)) return `, write [${one}]:${defaultPort}`
  return ''
}

function badServers(text: string, problem: string): ZkError {
  return new ZkError('BADARGUMENTS', undefined, `Cannot read servers '${text}': ${problem}`)
}

export function formatServer({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const firstDelayMs = 20
const delayGrowth = 1.5
const delayMaxMs = 320

/**
 * Goes round the servers in an order of its own (clients must not all run to the same one) and says
 * how long to wait before each try: not at all until all have failed, then up to 20 ms, 30 ms …
 * 320 ms after each further round, so that a new leader is met soon after it is there.
 */
export class ServerRotation {
  readonly #order: readonly ServerAddress[]
  readonly #random: Random
  #at = 0
  #failures = 0

  constructor(servers: readonly ServerAddress[], random: Random) {
    if (servers.length === 0) throw badServers('', 'there are none')
    this.#order = shuffled(servers, random)
    this.#random = random
  }

  next(): ServerAddress {
    const server = this.#order[this.#at] as ServerAddress
    this.#at = (this.#at + 1) % this.#order.length
    return server
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** @returns ms to wait before the next try */
  failed(): number {
    this.#failures++
    if (this.#failures % this.#order.length !== 0) return 0
    const rounds = this.#failures / this.#order.length
    const most = Math.min(firstDelayMs * delayGrowth ** (rounds - 1), delayMaxMs)
    return most / 2 + (this.#random.next() * most) / 2
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items]
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const item = order[i] as T
    order[i] = order[j] as T
    order[j] = item
  }
  return order
}
