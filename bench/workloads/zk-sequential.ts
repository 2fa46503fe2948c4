// One client, one write at a time: the measurement of the original system's table.

import { randomUUID } from 'node:crypto'
import type { Address } from '../../src/address.ts'
import { connect, type LoadConnection, type ProtocolName } from '../load-connection.ts'

/**
 * @returns the median of `runs` times for each count, in ms
 * @throws why the connection ended, if it did
 */
export async function sequentialWrites(
  server: Address,
  options: {
    readonly counts: readonly number[]
    readonly runs: number
    readonly valueBytes: number
    readonly protocol?: ProtocolName
  },
): Promise<number[]> {
  const { protocol = 'native' } = options
  let failed: (error: Error) => void = () => undefined
  // A request on a connection that ended is never answered.
  const broken = new Promise<never>((_, reject) => {
    failed = reject
  })
  broken.catch(() => undefined)
  const connection = await connect(server, { protocol, timeoutMs: 30_000, failed })
  try {
    return await Promise.race([broken, mediansOf(connection, options)])
  } finally {
    connection.close()
  }
}

async function mediansOf(
  connection: LoadConnection,
  options: {
    readonly counts: readonly number[]
    readonly runs: number
    readonly valueBytes: number
  },
): Promise<number[]> {
  const data = new Uint8Array(options.valueBytes)
  // A znode of its own: several measurements run on the same servers.
  const path = `/sequential-${randomUUID()}`
  await connection.request({ type: 'create', path, data, mode: 'persistent' })
  const write = () => connection.request({ type: 'setData', path, data, version: -1 })
  const medians: number[] = []
  for (const count of options.counts) {
    const times: number[] = []
    for (let run = 0; run < options.runs; run++) {
      const begin = performance.now()
      for (let i = 0; i < count; i++) await write()
      times.push(performance.now() - begin)
    }
    times.sort((a, b) => a - b)
    medians.push(times[Math.floor(times.length / 2)] ?? Number.NaN)
  }
  await connection.request({ type: 'closeSession' })
  return medians
}
