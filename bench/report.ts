// Printed tables, and the circumstances of every figure: machine, commit, command.

import { execFileSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'

/** Columns as wide as their widest cell; the first is left-aligned, the others right-aligned. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows]
  const widths = header.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)))
  const pad = (cell: string, i: number) =>
    i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)
  const [head, ...body] = lines.map((line) => line.map(pad).join('  ').trimEnd())
  return [head, '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...body].join('\n')
}

/** 12345.6 → '12 346'; small numbers keep a digit or two after the point. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-'
  if (Math.abs(value) < 10) return value.toFixed(2)
  if (Math.abs(value) < 100) return value.toFixed(1)
  return Math.round(value)
    .toString()
    .replaceAll(/\B(?=(\d{3})+$)/g, ' ')
}

const tmpfs = 0x01021994

/** The circumstances of the figures. `directory` holds the servers' data. */
export function circumstances(directory: string, command: string): string {
  const disk = isMemory(directory)
    ? `${directory}, which is memory: fsync costs nothing there`
    : directory
  return [
    `machine  ${availableParallelism()} cores, ${processorName()}, ${memoryGiB()} GiB`,
    `node     ${process.version}`,
    `commit   ${commit()}`,
    `data     ${disk}`,
    `command  ${command}`,
  ].join('\n')
}

export function processorName(): string {
  return cpus()[0]?.model ?? 'unknown processor'
}

export function memoryGiB(): number {
  return Math.round(totalmem() / 2 ** 30)
}

/**
 * The kind of the disk below a directory: its file system, and whether it rotates, as far as Linux
 * says it.
 */
export function diskKind(directory: string): string {
  if (isMemory(directory)) return 'memory'
  try {
    const options = ['--noheadings', '--output', 'SOURCE,FSTYPE', '--target', directory]
    const found = execFileSync('findmnt', options, { encoding: 'utf8', stdio: 'pipe' })
    const [source = '', fileSystem = ''] = found.trim().split(/\s+/)
    const device = source.replace(/^\/dev\//, '').replace(/(?<=^(sd|vd|xvd)[a-z]+)\d+$|p\d+$/, '')
    const rotates = readFileSync(`/sys/block/${device}/queue/rotational`, 'utf8').trim() === '1'
    return `${fileSystem} on ${device}, ${rotates ? 'which rotates or does not say' : 'solid-state'}`
  } catch {
    return 'unknown disk'
  }
}

function isMemory(directory: string): boolean {
  return statfsSync(directory).type === tmpfs
}

/** The commit of this checkout, and whether it was changed since. */
export function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    // A report measures one part after another, and writes the page after each.
    const page = [':(top,exclude)docs/benchmarks', ':(top,exclude)docs/benchmarks.md']
    const changes = git('status', '--porcelain', '--', ':/', ...page)
    return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : ' + changes')
  } catch {
    const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
    return `none; version ${(JSON.parse(manifest) as { version: string }).version}`
  }
}
