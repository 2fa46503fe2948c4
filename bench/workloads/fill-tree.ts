// Many znodes: made as fast as the servers take them, a thousand under each parent.

import type { Address } from '../../src/address.ts'
import type { Request } from '../../src/protocol/zk/messages.ts'
import { connect, type LoadConnection, type ProtocolName } from '../load-connection.ts'
import { pipeline, refuseErrors } from '../pipeline.ts'

export const treeRoot = '/bench-tree'
const childrenCount = 1000
/** Connections, and creates in flight on each. */
const abreast = { connections: 6, outstanding: 64 } as const

export function treePath(index: number): string {
  return `${parentPath(Math.floor(index / childrenCount))}/n${index % childrenCount}`
}

function parentPath(index: number): string {
  return `${treeRoot}/d${index}`
}

export interface TreeOptions {
  readonly protocol: ProtocolName
  /** znodes from this one on, up to the next */
  readonly from: number
  readonly to: number
  readonly valueBytes: number
}

/** @returns creates per second; parents are not counted */
export async function fillTree(
  servers: readonly Address[],
  { protocol, from, to, valueBytes }: TreeOptions,
): Promise<number> {
  let fail: (error: Error) => void = () => undefined
  const broken = new Promise<never>((_, reject) => {
    fail = reject
  })
  broken.catch(() => undefined)
  const connections = await Promise.all(
    Array.from({ length: abreast.connections }, (_, i) => {
      const server = servers[i % servers.length]
      if (server === undefined) throw new Error('Cannot connect: no server is given')
      return connect(server, { protocol, timeoutMs: 30_000, failed: fail })
    }),
  )
  const data = new Uint8Array(valueBytes).fill(0x78)
  try {
    const parents = range(Math.ceil(from / childrenCount), Math.ceil(to / childrenCount))
    const [first] = connections
    if (first === undefined) return Number.NaN
    const parentPaths = [...(from === 0 ? [treeRoot] : []), ...parents.map(parentPath)]
    await Promise.race([broken, createAll(first, creates(parentPaths, data))])
    const beganMs = performance.now()
    // One iterator for all: each connection takes the next path.
    const requests = creates(pathsOf(from, to), data)
    const lines = connections.map((connection) => createAll(connection, requests))
    await Promise.race([broken, Promise.all(lines)])
    return ((to - from) / (performance.now() - beganMs)) * 1000
  } finally {
    for (const connection of connections) connection.close()
  }
}

function createAll(connection: LoadConnection, requests: Iterator<Request>): Promise<void> {
  const { outstanding } = abreast
  return pipeline(connection, requests, { outstanding, answered: refuseErrors })
}

function* creates(paths: Iterable<string>, data: Uint8Array): Generator<Request> {
  for (const path of paths) yield { type: 'create', path, data, mode: 'persistent' }
}

function* pathsOf(from: number, to: number): Generator<string> {
  for (let index = from; index < to; index++) yield treePath(index)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
