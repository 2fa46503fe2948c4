// A machine with a real systemd, in which the units run the programs of dist/ as an operator's do. See
// box.sh.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('box.sh', import.meta.url))
const project = fileURLToPath(new URL('../..', import.meta.url))

/** Why there can be no such machine here; undefined if there can. */
export function boxProblem(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start a machine with a systemd of its own'
  if (!existsSync('/lib/systemd/systemd')) return 'there is no systemd (Debian: systemd)'
  if (spawnSync('ip', ['-V']).error !== undefined) return 'there is no ip (Debian: iproute2)'
  const args = ['--fork', '--pid', '--mount', '--net', '--cgroup', '--propagation=private']
  const mount = 'mount -t tmpfs tmpfs /mnt && mount -t cgroup2 cgroup2 /mnt'
  const { status } = spawnSync('unshare', [...args, 'sh', '-c', mount], { stdio: 'ignore' })
  return status === 0 ? undefined : 'this machine allows no namespaces or no mounts'
}

export class SystemdBox {
  readonly #outside: ChildProcess
  readonly #work: string
  readonly #ended: Promise<void>
  #init = 0

  private constructor(work: string) {
    this.#work = work
    this.#outside = spawn(script, [work, process.execPath, project], {
      stdio: ['pipe', 'ignore', 'inherit'],
    })
    this.#ended = new Promise((resolve) => this.#outside.once('exit', () => resolve()))
  }

  /** Runs once it has booted, with the units of `units` installed. */
  static async boot(options: { readonly patienceMs: number }): Promise<SystemdBox> {
    const box = new SystemdBox(mkdtempSync(join(tmpdir(), 'zooweeper-box-')))
    try {
      await box.#booted(options.patienceMs)
    } catch (error) {
      await box.down()
      throw error
    }
    return box
  }

  async #booted(patienceMs: number): Promise<void> {
    for (const endMs = performance.now() + patienceMs; ; await sleep(50)) {
      this.#init ||= initOf(this.#outside.pid ?? 0)
      const state = this.#init === 0 ? '' : this.run('systemctl', 'is-system-running').stdout.trim()
      if (state === 'running' || state === 'degraded') return
      if (performance.now() < endMs && this.#outside.exitCode === null) continue
      throw new Error(`The machine did not boot: ${state || 'there is no systemd in it'}`)
    }
  }

  run(...command: readonly string[]): { status: number | null; stdout: string; stderr: string } {
    const args = ['-t', String(this.#init), '-m', '-u', '-i', '-n', '-p', '-C', '--', ...command]
    return spawnSync('nsenter', args, { encoding: 'utf8', env: { PATH: process.env['PATH'] } })
  }

  /** @throws if it fails */
  ok(...command: readonly string[]): string {
    const { status, stdout, stderr } = this.run(...command)
    if (status === 0) return stdout.trim()
    throw new Error(`${command.join(' ')} ended with ${status}: ${stderr}${stdout}`)
  }

  write(file: string, text: string): void {
    this.ok('sh', '-c', 'mkdir -p "$(dirname "$1")" && printf %s "$2" > "$1"', 'sh', file, text)
  }

  property(unit: string, name: string): string {
    return this.ok('systemctl', 'show', '--property', name, '--value', unit)
  }

  /** Until the unit's property is such a value. @returns it */
  async until(unit: string, name: string, value: RegExp, patienceMs: number): Promise<string> {
    for (const endMs = performance.now() + patienceMs; ; await sleep(50)) {
      const found = this.property(unit, name)
      if (value.test(found)) return found
      if (performance.now() >= endMs) throw new Error(`${name} of ${unit} is still '${found}'`)
    }
  }

  /** What a unit said, with the priorities of its lines. */
  journal(unit: string): { readonly priority: number; readonly message: string }[] {
    this.ok('journalctl', '--sync')
    const lines = this.ok('journalctl', '--no-pager', '--output=json', '--all', '--unit', unit)
    return lines
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as { PRIORITY: string; MESSAGE: string; _PID: string })
      .map((entry) => ({ priority: Number(entry.PRIORITY), message: String(entry.MESSAGE) }))
  }

  async down(): Promise<void> {
    this.#outside.stdin?.end()
    await this.#ended
    rmSync(this.#work, { recursive: true, force: true })
  }
}

/** The systemd that is PID 1 inside, as it is numbered outside; 0 while there is none. */
function initOf(outside: number): number {
  let pids = [outside]
  while (pids.length > 0) {
    const found = pids.find((pid) => nameOf(pid) === 'systemd')
    if (found !== undefined) return found
    pids = pids.flatMap(childrenOf)
  }
  return 0
}

function nameOf(pid: number): string {
  return readIfThere(`/proc/${pid}/comm`).trim()
}

function childrenOf(pid: number): number[] {
  const children = readIfThere(`/proc/${pid}/task/${pid}/children`)
  return children
    .split(' ')
    .filter((word) => word !== '')
    .map(Number)
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** The units and targets of this project, by name, with their text. */
export function ownUnits(): ReadonlyMap<string, string> {
  const directory = join(project, 'systemd')
  const names = readdirSync(directory).filter((name) => /\.(service|target)$/.test(name))
  return new Map(names.map((name) => [name, readFileSync(join(directory, name), 'utf8')]))
}
