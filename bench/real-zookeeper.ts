// Debian's ZooKeeper (package `zookeeper`) as processes on the same machine: the reference for the
// bench and the tests. Every write is fsynced, which is its default.

import { type ChildProcess, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Address } from '../src/address.ts'
import type { StartedSubject, SubjectServer } from './ensemble.ts'
import {
  cpuMicrosOf,
  fourLetterWord,
  freePorts,
  memoryMiBOf,
  run,
  stopProcess,
  untilServing,
} from './processes.ts'

/** Its manifest names all other required jars. */
export const zooKeeperJar = '/usr/share/java/zookeeper.jar'

export interface RealZooKeeperOptions {
  readonly size: number
  /** lines of zoo.cfg in addition to those that every ensemble needs */
  readonly config?: readonly string[]
  /** options of the virtual machine; ZooKeeper's own start script sets `-Xmx1000m` */
  readonly javaOptions?: readonly string[]
}

/** @returns why it cannot run on this machine, or undefined */
export function realZooKeeperProblem(): string | undefined {
  if (!existsSync(zooKeeperJar))
    return `${zooKeeperJar} is missing: install the Debian package zookeeper`
  try {
    execFileSync('java', ['-version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'java is missing'
  }
}

export class RealZooKeeper implements StartedSubject {
  readonly servers: readonly SubjectServer[]
  readonly #directory: string

  private constructor(servers: readonly SubjectServer[], directory: string) {
    this.servers = servers
    this.#directory = directory
  }

  get addresses(): readonly Address[] {
    return this.servers.map(({ client }) => client)
  }

  get #processes(): readonly ChildProcess[] {
    return this.servers.map(({ process }) => process)
  }

  /**
   * Starts it and waits until each server serves.
   *
   * @param parent directory for its data until `stop`
   */
  static async start(parent: string, options: RealZooKeeperOptions): Promise<RealZooKeeper> {
    const { size, config = [], javaOptions = ['-Xmx1000m'] } = options
    mkdirSync(parent, { recursive: true })
    const directory = mkdtempSync(join(parent, `zookeeper-${size}-`))
    const ports = await freePorts(size * 3)
    const ids = Array.from({ length: size }, (_, i) => i + 1)
    const addresses = ids.map((_, i) => ({ host: '127.0.0.1', port: ports[i] ?? 0 }))
    const members = ids.map(
      (id, i) => `server.${id}=127.0.0.1:${ports[size + i]}:${ports[2 * size + i]}`,
    )
    const servers = ids.map((id, i) => {
      const dataDir = join(directory, String(id))
      mkdirSync(dataDir)
      writeFileSync(join(dataDir, 'myid'), `${id}\n`)
      const file = join(directory, `${id}.cfg`)
      const lines = [
        ...['tickTime=2000', 'initLimit=10', 'syncLimit=5', 'maxClientCnxns=0'],
        ...['admin.enableServer=false', '4lw.commands.whitelist=*'],
        `dataDir=${dataDir}`,
        `clientPort=${addresses[i]?.port}`,
        'clientPortAddress=127.0.0.1',
        ...(size === 1 ? [] : members),
        ...config,
      ]
      writeFileSync(file, `${lines.join('\n')}\n`)
      const log = join(directory, `${id}.log`)
      const main = 'org.apache.zookeeper.server.quorum.QuorumPeerMain'
      const start = () => run('java', [...javaOptions, '-cp', zooKeeperJar, main, file], log)
      const client = addresses[i] ?? { host: '127.0.0.1', port: 0 }
      return { client, log, start, process: start() }
    })
    const zookeeper = new RealZooKeeper(servers, directory)
    try {
      for (const server of servers) {
        await untilServing(server, async () => {
          const answer = await fourLetterWord(server.client, 'srvr')
          if (!/^Mode: /m.test(answer)) throw new Error('It has no role yet')
        })
      }
    } catch (error) {
      await zookeeper.stop()
      throw error
    }
    return zookeeper
  }

  cpuMicros(): number | undefined {
    return cpuMicrosOf(this.#processes)
  }

  memoryMiB(): readonly number[] | undefined {
    return memoryMiBOf(this.#processes)
  }

  async stop(): Promise<void> {
    await Promise.all(this.#processes.map(stopProcess))
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
