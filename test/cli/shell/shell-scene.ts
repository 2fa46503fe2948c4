// A shell connected to a fake server. Its output is collected.

import type { Test } from 'tap'
import { formatAddress } from '../../../src/address.ts'
import { Shell } from '../../../src/cli/shell/shell.ts'
import type { DialectName } from '../../../src/client/zk/dialects.ts'
import { type FakeScript, FakeServer } from '../../client/zk/fake-server.ts'

export interface Scene {
  readonly shell: Shell
  /** output that no command asked for */
  readonly told: string[]
  readonly run: Run
  /** standard output of the last `run` */
  readonly printed: () => Buffer[]
  /** restarts the server at the same address */
  readonly restart: () => Promise<void>
}

export type Run = (line: string) => Promise<{ outcome: number; out: string; err: string }>

export async function shellAt(
  t: Test,
  script: FakeScript,
  options?: {
    readonly dialect?: DialectName
    readonly chroot?: string
    readonly readOnly?: boolean
    readonly connectTimeoutMs?: number
    /** if false, the test connects */
    readonly connects?: boolean
    /** the server listens only after `restart` */
    readonly startsLater?: boolean
  },
): Promise<Scene> {
  const told: string[] = []
  let server = await FakeServer.listen(script)
  const { address } = server
  const { startsLater = false, connects = !startsLater } = options ?? {}
  if (startsLater) await server.close()
  let out: Buffer[] = []
  let err = ''
  const shell = new Shell({
    servers: formatAddress(address) + (options?.chroot ?? ''),
    sessionTimeoutMs: 10_000,
    connectTimeoutMs: options?.connectTimeoutMs ?? 10_000,
    dialect: options?.dialect ?? 'native',
    readOnly: options?.readOnly ?? false,
    tellsStates: false,
    out: (content) => {
      out.push(Buffer.from(content))
    },
    tell: (text) => {
      told.push(text)
    },
    err: (text) => {
      err += text
    },
  })
  t.teardown(async () => {
    await shell.disconnect()
    await server.close()
  })
  if (connects) await shell.connect()
  const run: Run = async (line) => {
    out = []
    err = ''
    const outcome = await shell.runTyped(line)
    return { outcome, out: Buffer.concat(out).toString(), err }
  }
  const restart = async () => {
    server = await FakeServer.listen(script, address.port)
  }
  return { shell, told, run, printed: () => out, restart }
}
