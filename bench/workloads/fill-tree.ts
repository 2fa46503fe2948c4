// Many znodes: made as fast as the servers take them, a thousand under each parent.

import type { Address } from '../../src/address.ts'
import { connect, type LoadConnection, type ProtocolName } from '../load-connection.ts'

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
    const parents = range(Math.floor(from / childrenCount), Math.ceil(to / childrenCount))
    const [first] = connections
    if (first === undefined) return Number.NaN
    if (from === 0)
      await Promise.race([broken, createAll(first, [treeRoot][Symbol.iterator](), data)])
    const parentPaths = parents.map(parentPath)[Symbol.iterator]()
    await Promise.race([broken, createAll(first, parentPaths, data)])
    const beganMs = performance.now()
    const paths = pathsOf(from, to)
    const lines = connections.map((connection) => createAll(connection, paths, data))
    await Promise.race([broken, Promise.all(lines)])
    return ((to - from) / (performance.now() - beganMs)) * 1000
  } finally {
    for (const connection of connections) connection.close()
  }
}

/** Several connections may take from the same iterator. */
function createAll(
  connection: LoadConnection,
  paths: Iterator<string>,
  data: Uint8Array,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let isLast = false
    const fill = () => {
      while (!isLast && connection.outstanding < abreast.outstanding) {
        const { value: path, done } = paths.next()
        if (done === true) isLast = true
        else
          connection.send(
            connection.template({ type: 'create', path, data, mode: 'persistent' }),
            0,
          )
      }
      connection.flush()
      if (isLast && connection.outstanding === 0) resolve()
    }
    connection.onReply = (err) => {
      if (err !== 0) reject(new Error(`Could not fill the tree: error ${err}`))
    }
    connection.onTurn = fill
    fill()
  })
}

function* pathsOf(from: number, to: number): Generator<string> {
  for (let index = from; index < to; index++) yield treePath(index)
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}
