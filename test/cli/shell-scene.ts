// A shell at a fake server; what it prints is gathered.

import type { Test } from 'tap'
import { Shell } from '../../src/cli/shell.ts'
import type { DialectName } from '../../src/client/dialects.ts'
import { formatServer } from '../../src/client/servers.ts'
import { type FakeScript, FakeServer } from '../client/fake-server.ts'

export interface Scene {
  readonly shell: Shell
  /** printed without having been asked for */
  readonly told: string[]
  readonly run: Run
}

export type Run = (line: string) => Promise<{ outcome: number; out: string; err: string }>

export async function shellAt(
  t: Test,
  script: FakeScript,
  options?: {
    readonly dialect?: DialectName
    readonly chroot?: string
    readonly readOnly?: boolean
  },
): Promise<Scene> {
  const told: string[] = []
  const server = await FakeServer.listen(script)
  const printed = { out: '', err: '' }
  const shell = new Shell({
    servers: formatServer(server.address) + (options?.chroot ?? ''),
    sessionTimeoutMs: 10_000,
    connectTimeoutMs: 10_000,
    dialect: options?.dialect ?? 'native',
    readOnly: options?.readOnly ?? false,
    tellsStates: false,
    out: (text) => {
      printed.out += text
    },
    tell: (text) => {
      told.push(text)
    },
    err: (text) => {
      printed.err += text
    },
  })
  t.teardown(async () => {
    await shell.disconnect()
    await server.close()
  })
  await shell.connect()
  const run: Run = async (line) => {
    printed.out = printed.err = ''
    const outcome = await shell.runTyped(line)
    return { outcome, ...printed }
  }
  return { shell, told, run }
}
