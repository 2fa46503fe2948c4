// docs/benchmarks.md and its plots, rendered from the figures: the same figures, the same bytes.

import { figure } from '../report.ts'
import {
  type Circumstances,
  type Figures,
  type PartName,
  type Point,
  partNames,
  type Run,
  ratiosOf,
  type Spread,
  spreadOf,
  valuesOf,
} from './figures.ts'
import { type Column, type Layout, layouts, type Plot } from './layouts.ts'
import { type Line, plot } from './plot.ts'

export interface Page {
  readonly markdown: string
  /** plots by the name of their file, beside the figures */
  readonly plots: ReadonlyMap<string, string>
}

/** The system that the others are compared with. */
const ours = 'ours'

/** @param preface what stands above the figures, in Markdown */
export function renderPage(figures: Figures, preface: string): Page {
  const plots = new Map<string, string>()
  const sections = partNames.map((name) => section(name, figures.parts[name] ?? [], plots))
  return { markdown: `${[preface.trimEnd(), ...sections].join('\n\n')}\n`, plots }
}

function section(name: PartName, runs: readonly Run[], plots: Map<string, string>): string {
  const layout = layouts[name]
  const parts = [`### ${layout.title}`, layout.about]
  if (runs.length === 0) {
    parts.push(`Not measured yet:\n\n    npm run bench -- report --parts ${name}`)
  }
  for (const [i, run] of runs.entries()) {
    parts.push(circumstancesText(run.circumstances), table(layout, run))
    for (const one of layout.plots) {
      const svg = plot(linesOf(one, run), {
        title: one.title,
        x: { title: one.x.header, isLog: one.isLogX },
        y: { title: one.y.header, isLog: one.isLogY },
      })
      if (svg === undefined) continue
      const file = `${one.name}${i === 0 ? '' : `-${i + 1}`}.svg`
      plots.set(file, svg)
      parts.push(`![${one.title}](benchmarks/${file})`)
    }
  }
  return parts.join('\n\n')
}

function circumstancesText(found: Circumstances): string {
  const { command, commit, date, cores, processor, memoryGiB, kernel, node, disk } = found
  const facts = [
    `commit ${commit}`,
    date,
    `${cores} cores${processor === undefined ? '' : ` (${processor})`}`,
    memoryGiB === undefined ? [] : `${memoryGiB} GiB`,
    kernel === undefined ? [] : `Linux ${kernel}`,
    disk ?? [],
    node === undefined ? [] : `Node.js ${node}`,
    Object.entries(found.versions ?? {}).map(([name, version]) => `${name} ${version}`),
    found.loadAverage === undefined ? [] : `load ${found.loadAverage.toFixed(1)} before`,
  ].flat()
  const note = found.note === undefined ? '' : `${found.note}\n\n`
  return `${note}    ${command}\n\n${facts.join(', ')}:`
}

function table(layout: Layout, { points }: Run): string {
  const values = layout.values.filter(({ key }) =>
    points.some((point) => valuesOf(point, key).length > 0),
  )
  const systems = new Set(points.map(({ system }) => system))
  const isComparison = layout.ratio !== undefined && systems.size > 1
  const header = [
    ...layout.labels.map((column) => column.header),
    ...(systems.size > 1 ? ['system'] : []),
    ...values.map((column) => column.header),
    ...(isComparison ? [layout.ratio.header] : []),
    ...(layout.goal === undefined ? [] : ['goal']),
  ]
  const rows = points.map((point) => {
    const beside = points.filter((other) => isSameCase(other, point, layout.labels))
    const base = beside.find(({ system }) => system === ours)
    const ratio =
      base === undefined || layout.ratio === undefined || point === base
        ? undefined
        : spreadOf(ratiosOf(base, point, layout.ratio.key))
    return [
      ...layout.labels.map(({ key }) => labelText(point.labels[key])),
      ...(systems.size > 1 ? [point.system] : []),
      ...values.map(({ key }) => spreadText(spreadOf(valuesOf(point, key)))),
      ...(isComparison ? [ratioText(ratio)] : []),
      ...(layout.goal === undefined ? [] : [verdictText(layout, point, beside)]),
    ]
  })
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

/** The verdict on ours stands in its row: on its ratios to ZooKeeper where the goal is one. */
function verdictText(layout: Layout, point: Point, beside: readonly Point[]): string {
  if (point.system !== ours) return ''
  const medians = Object.fromEntries(
    layout.values.flatMap(({ key }) => {
      const median = spreadOf(valuesOf(point, key))?.median
      return median === undefined ? [] : [[key, median]]
    }),
  )
  const { ratio } = layout
  const ratios = beside.flatMap((other) => {
    if (ratio === undefined || other.system !== 'zookeeper') return []
    return spreadOf(ratiosOf(point, other, ratio.key))?.median ?? []
  })
  const verdict = layout.goal?.(point.labels, medians, ratios)
  return verdict === undefined ? '' : `${verdict.isMet ? 'met' : 'MISSED'} ${verdict.goal}`
}

function isSameCase(one: Point, other: Point, labels: readonly Column[]): boolean {
  return labels.every(({ key }) => one.labels[key] === other.labels[key])
}

function linesOf({ x, y, only, linesBy = [] }: Plot, { points }: Run): Line[] {
  const lines = new Map<string, Line['points'][number][]>()
  for (const point of points) {
    const at = Number(point.labels[x.key])
    const spread = spreadOf(valuesOf(point, y.key))
    if (spread === undefined || only?.(point.labels) === false) continue
    const name = [point.system, ...linesBy.map((key) => point.labels[key])].join(' ')
    const line = lines.get(name) ?? []
    lines.set(name, line)
    line.push({ x: at, y: spread.median, least: spread.least, most: spread.most })
  }
  return [...lines].map(([name, line]) => ({ name, points: line.toSorted((a, b) => a.x - b.x) }))
}

function labelText(label: string | number | undefined): string {
  return typeof label === 'number' ? figure(label).replace(/\.0+$/, '') : (label ?? '')
}

/** The median, and the extremes where several rounds differ in what is shown. */
function spreadText(spread: Spread | undefined): string {
  if (spread === undefined) return ''
  const [median, least, most] = [spread.median, spread.least, spread.most].map(figure)
  return least === most ? `${median}` : `${median} (${least}–${most})`
}

function ratioText(spread: Spread | undefined): string {
  if (spread === undefined) return ''
  const [median, least, most] = [spread.median, spread.least, spread.most].map((value) =>
    value.toFixed(2),
  )
  return least === most ? `${median}` : `${median} (${least}–${most})`
}
