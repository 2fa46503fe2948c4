// npm run bench -- report: measures the parts that are asked for, keeps their figures, and renders the
// page from all that are kept.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg, release } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { programProblem } from '../mq/systems.ts'
import { commit, diskKind, memoryGiB, processorName } from '../report.ts'
import {
  type Circumstances,
  type PartName,
  partNames,
  readFigures,
  withPart,
  writeFigures,
} from './figures.ts'
import { layouts } from './layouts.ts'
import { measureParts } from './measure-parts.ts'
import { renderPage } from './page.ts'
import { fullPlan, quickPlan } from './plans.ts'
import { type SystemKind, systemKinds, systemNames, systemsDefault } from './systems.ts'

const docs = fileURLToPath(new URL('../../docs', import.meta.url))
const prefaceFile = new URL('./preface.md', import.meta.url)

export interface ReportOptions {
  /** names separated by commas, 'all', or '' */
  readonly parts: string
  readonly quick: boolean
  /** directory of the page; docs/ by default */
  readonly page: string | undefined
  /** those beside ours */
  readonly systems: string
  readonly peers: string
  readonly rounds: number | undefined
  readonly generators: number
  readonly dir: string
}

export async function runReport(
  options: ReportOptions,
  { seed, print }: { readonly seed: number; readonly print: (text: string) => void },
): Promise<void> {
  const parts = options.parts === 'all' ? partNames : words(options.parts).map(partNamed)
  if (options.quick && options.page === undefined && parts.length > 0) {
    throw new Error("Could not measure in short for the project's page: name another with --page")
  }
  const page = options.page ?? docs
  const plan = options.quick ? quickPlan : fullPlan
  const systems = systemsOf(options.systems, print)
  const context = {
    systems,
    brokerPeers: options.peers,
    plan: { ...plan, rounds: options.rounds ?? plan.rounds },
    parent: options.dir,
    generators: options.generators,
    seed,
    print,
  }
  renderTo(page)
  for (const part of parts) {
    print(`\n-- ${part}: ${layouts[part].title}`)
    const found = circumstancesOf(part, options, systems)
    const points = await measureParts[part](context)
    // Read again: another run may have measured another part meanwhile.
    const file = figuresFile(page)
    writeFigures(file, withPart(readFigures(file), part, [{ circumstances: found, points }]))
    renderTo(page)
  }
  print(`\n${join(page, 'benchmarks.md')}`)
}

/** Renders the page in this directory from the figures beside it. */
function renderTo(page: string): void {
  const aside = join(page, 'benchmarks')
  mkdirSync(aside, { recursive: true })
  const { markdown, plots } = renderPage(
    readFigures(figuresFile(page)),
    readFileSync(prefaceFile, 'utf8'),
  )
  writeFileSync(join(page, 'benchmarks.md'), markdown)
  for (const [name, svg] of plots) writeFileSync(join(aside, name), svg)
  for (const name of readdirSync(aside)) {
    if (name.endsWith('.svg') && !plots.has(name)) rmSync(join(aside, name))
  }
}

function figuresFile(page: string): string {
  return join(page, 'benchmarks', 'figures.json')
}

function circumstancesOf(
  part: PartName,
  { quick, rounds, generators, dir, peers, systems: named }: ReportOptions,
  systems: readonly SystemKind[],
): Circumstances {
  const flags = [
    ...(quick ? ['--quick', '--page DIR'] : []),
    ...(rounds === undefined ? [] : [`--rounds ${rounds}`]),
    ...(generators === 1 ? [] : [`--generators ${generators}`]),
    ...(named === systemsDefault || !isBesideSystems(part) ? [] : [`--systems ${named || "''"}`]),
  ]
  const beside = versionsBeside(part, { peers, systems })
  return {
    command: ['npm run bench -- report --parts', part, ...flags].join(' '),
    commit: commit(),
    date: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    processor: processorName(),
    memoryGiB: memoryGiB(),
    kernel: release(),
    node: process.version,
    disk: diskKind(dir),
    loadAverage: loadavg()[0] ?? 0,
    ...(beside.length === 0 ? {} : { versions: Object.fromEntries(beside) }),
  }
}

/** Part mq has other peers. */
function isBesideSystems(part: PartName): boolean {
  return part !== 'mq' && !alone.includes(part)
}

/** Parts about ours alone. */
const alone: readonly PartName[] = ['trees', 'roles', 'partitions', 'logs']

/** The systems that a part compares ours with, and their versions. */
function versionsBeside(
  part: PartName,
  { peers, systems }: { readonly peers: string; readonly systems: readonly SystemKind[] },
): (readonly [name: string, version: string])[] {
  if (alone.includes(part)) return []
  if (part === 'mq') {
    return words(peers).flatMap((name) => {
      const program = `${name}-server`
      if (programProblem(program, '--version') !== undefined) return []
      const said = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' })
      return [[name, /\bv=?:? ?(\d[\w.]*)/.exec(said)?.[1] ?? 'unknown'] as const]
    })
  }
  return systems
    .filter(({ name }) => name !== 'ours')
    .map(({ name, version }) => [name, version()] as const)
}

/** Ours and those that are asked for, without those that cannot run here. */
function systemsOf(names: string, print: (text: string) => void): SystemKind[] {
  return ['ours', ...words(names)].flatMap((name) => {
    const known = systemNames.find((one) => one === name)
    if (known === undefined) {
      throw new Error(`Could not compare with '${name}': it must be one of ${systemNames.join()}`)
    }
    const kind = systemKinds[known]
    const problem = kind.problem()
    if (problem === undefined) return [kind]
    print(`Without ${name}: ${problem}`)
    return []
  })
}

function partNamed(name: string): PartName {
  const found = partNames.find((one) => one === name)
  if (found === undefined) {
    throw new Error(`Could not measure '${name}': it must be one of ${partNames.join()}`)
  }
  return found
}

function words(text: string): string[] {
  return text.split(',').filter((word) => word !== '')
}
