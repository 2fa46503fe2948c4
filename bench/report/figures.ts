// The figures of docs/benchmarks.md as they are kept, in docs/benchmarks/figures.json: per part its
// runs, per run its circumstances, per point every round. The page is rendered from them (page.ts);
// measuring a part (measure-parts.ts) replaces that part and leaves the others.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'

/** In the order of the page. */
export const partNames = [
  'load',
  'open',
  'sequential',
  'keeper',
  'connections',
  'values',
  'znodes',
  'watches',
  'sessions',
  'start',
  'failover',
  'trees',
  'roles',
  'mq',
  'partitions',
  'logs',
] as const
export type PartName = (typeof partNames)[number]

/** Where, when and of what a run was; what is unknown is absent. */
export interface Circumstances {
  readonly command: string
  readonly commit: string
  /** ISO 8601, the day */
  readonly date: string
  readonly cores: number
  readonly processor?: string
  readonly memoryGiB?: number
  readonly kernel?: string
  readonly node?: string
  /** kind of the disk and its file system, of the servers' data */
  readonly disk?: string
  /** one-minute load average when the run began: above 1, other work ran beside it */
  readonly loadAverage?: number
  /** versions of the systems beside ours */
  readonly versions?: Readonly<Record<string, string>>
  /** what else a reader must know */
  readonly note?: string
}

/** One case on one system. All systems of a case are measured in turn: their rounds form pairs. */
export interface Point {
  readonly labels: Readonly<Record<string, string | number>>
  readonly system: string
  readonly rounds: readonly Readonly<Record<string, number>>[]
}

export interface Run {
  readonly circumstances: Circumstances
  readonly points: readonly Point[]
}

export interface Figures {
  readonly format: 1
  readonly parts: Readonly<Partial<Record<PartName, readonly Run[]>>>
}

/** The median of an odd number of rounds, the lower middle one of an even number, and the extremes. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** @returns undefined if there are none */
export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.filter(Number.isFinite).toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)]
  const [least, most] = [sorted[0], sorted.at(-1)]
  if (median === undefined || least === undefined || most === undefined) return undefined
  return { median, least, most }
}

export function valuesOf({ rounds }: Point, key: string): number[] {
  return rounds.flatMap((round) => round[key] ?? [])
}

/** This value of one point divided by that of another, round by round. */
export function ratiosOf(point: Point, by: Point, key: string): number[] {
  return point.rounds.flatMap((round, i) => {
    const [above, below] = [round[key], by.rounds[i]?.[key]]
    return above === undefined || below === undefined || below === 0 ? [] : [above / below]
  })
}

export function withPart(figures: Figures, part: PartName, runs: readonly Run[]): Figures {
  const entries = partNames.flatMap((name) => {
    const kept = name === part ? runs : figures.parts[name]
    return kept === undefined ? [] : [[name, kept] as const]
  })
  return { format: 1, parts: Object.fromEntries(entries) }
}

export const noFigures: Figures = { format: 1, parts: {} }

/** @throws Error if the file was written by another version of this program */
export function readFigures(file: string): Figures {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return noFigures
    throw error
  }
  const figures = JSON.parse(text) as Figures
  if (figures.format !== 1) {
    throw new Error(`Could not read ${file}: its format is ${figures.format}, wanted 1`)
  }
  return figures
}

export function writeFigures(file: string, figures: Figures): void {
  const beside = `${file}.new`
  writeFileSync(beside, formatFigures(figures))
  renameSync(beside, file)
}

/** JSON with a line for each point, so that a difference shows which were measured anew. */
export function formatFigures({ format, parts }: Figures): string {
  const formatRun = ({ circumstances, points }: Run) =>
    [
      `      {`,
      `        "circumstances": ${JSON.stringify(circumstances)},`,
      `        "points": [`,
      points.map((point) => `          ${JSON.stringify(point)}`).join(',\n'),
      `        ]`,
      `      }`,
    ].join('\n')
  const shown = Object.entries(parts).map(
    ([name, runs]) => `    ${JSON.stringify(name)}: [\n${runs.map(formatRun).join(',\n')}\n    ]`,
  )
  return `{\n  "format": ${format},\n  "parts": {\n${shown.join(',\n')}\n  }\n}\n`
}
