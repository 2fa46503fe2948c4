// Debian's etcd (package `etcd-server`) as processes on the same machine. Every write is fsynced, which
// is its default.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { StartedSubject, SubjectServer } from '../ensemble.ts'
import {
  cpuMicrosOf,
  freePorts,
  memoryMiBOf,
  run,
  stopProcess,
  untilServing,
} from '../processes.ts'
import { EtcdConnection } from './etcd-connection.ts'

const host = '127.0.0.1'
/** Large enough for a million keys with their history; etcd refuses writes beyond it. */
const quotaBytes = 8 * 2 ** 30

export class RealEtcd implements StartedSubject {
  readonly servers: readonly SubjectServer[]
  readonly #directory: string

  private constructor(servers: readonly SubjectServer[], directory: string) {
    this.servers = servers
    this.#directory = directory
  }

  /**
   * Starts it and waits until each server serves.
   *
   * @param parent directory for its data until `stop`
   */
  static async start(parent: string, { size }: { readonly size: number }): Promise<RealEtcd> {
    mkdirSync(parent, { recursive: true })
    const directory = mkdtempSync(join(parent, `etcd-${size}-`))
    const ports = await freePorts(size * 2)
    const peers = ports.slice(size).map((port) => `http://${host}:${port}`)
    const servers = peers.map((peer, i) => {
      const port = ports[i] ?? 0
      const client = `http://${host}:${port}`
      const args = [
        `--name=s${i}`,
        `--data-dir=${join(directory, String(i))}`,
        `--listen-client-urls=${client}`,
        `--advertise-client-urls=${client}`,
        `--listen-peer-urls=${peer}`,
        `--initial-advertise-peer-urls=${peer}`,
        `--initial-cluster=${peers.map((url, j) => `s${j}=${url}`).join()}`,
        `--quota-backend-bytes=${quotaBytes}`,
        '--logger=zap',
        '--log-level=error',
      ]
      const log = join(directory, `${i}.log`)
      const start = () => run('etcd', args, log)
      return { client: { host, port }, log, start, process: start() }
    })
    const etcd = new RealEtcd(servers, directory)
    try {
      for (const server of servers) {
        await untilServing(server, async () => {
          const connection = await EtcdConnection.connect(server.client, () => undefined)
          try {
            await connection.request({ type: 'sync', path: '/' })
          } finally {
            connection.close()
          }
        })
      }
    } catch (error) {
      await etcd.stop()
      throw error
    }
    return etcd
  }

  get addresses() {
    return this.servers.map(({ client }) => client)
  }

  cpuMicros(): number | undefined {
    return cpuMicrosOf(this.servers.map(({ process }) => process))
  }

  memoryMiB(): readonly number[] | undefined {
    return memoryMiBOf(this.servers.map(({ process }) => process))
  }

  async stop(): Promise<void> {
    await Promise.all(this.servers.map(({ process }) => stopProcess(process)))
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
