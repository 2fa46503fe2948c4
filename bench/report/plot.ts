// A line plot as SVG, drawn by hand: few elements, readable on light and dark pages, the same bytes
// for the same figures. Axes are logarithmic where the values spread over decades.

import { figure } from '../report.ts'

export interface Line {
  readonly name: string
  /** ascending x; `least` and `most` are drawn as a bar through the point */
  readonly points: readonly {
    readonly x: number
    readonly y: number
    readonly least: number
    readonly most: number
  }[]
}

export interface PlotOptions {
  readonly title: string
  readonly x: { readonly title: string; readonly isLog: boolean }
  readonly y: { readonly title: string; readonly isLog: boolean }
}

const size = { width: 640, height: 360 } as const
const frame = { left: 84, right: 496, top: 40, bottom: 304 } as const
/** Told apart also by colour-blind readers (Okabe and Ito, 2008); enough for every plot. */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const
const ink = '#767676'

/** @returns undefined when there is nothing to draw a line through */
export function plot(lines: readonly Line[], options: PlotOptions): string | undefined {
  const points = lines.flatMap((line) => line.points)
  const xs = points.map(({ x }) => x)
  const ys = points.flatMap(({ least, most }) => [least, most])
  if (new Set(xs).size < 2) return undefined
  const x = axis(xs, { isLog: options.x.isLog, from: frame.left, to: frame.right, isTight: true })
  const y = axis(ys, { isLog: options.y.isLog, from: frame.bottom, to: frame.top, isTight: false })
  const { width, height } = size
  const middle = (frame.left + frame.right) / 2
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="${ink}">`,
    `<title>${escaped(options.title)}</title>`,
    `<text x="${frame.left}" y="22" font-size="14">${escaped(options.title)}</text>`,
    ...y.ticks.flatMap((tick) => [
      `<path d="M${frame.left} ${y.at(tick)}H${frame.right}" stroke="${ink}" stroke-opacity="0.25"/>`,
      `<text x="${frame.left - 8}" y="${round(y.at(tick) + 4)}" text-anchor="end">${tickText(tick)}</text>`,
    ]),
    ...x.ticks.map(
      (tick) =>
        `<text x="${x.at(tick)}" y="${frame.bottom + 18}" text-anchor="middle">${tickText(tick)}</text>`,
    ),
    `<path d="M${frame.left} ${frame.bottom}H${frame.right}" stroke="${ink}"/>`,
    `<text x="${middle}" y="${frame.bottom + 40}" text-anchor="middle">${escaped(options.x.title)}</text>`,
    `<text transform="translate(16 ${(frame.top + frame.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(options.y.title)}</text>`,
    ...lines.flatMap((line, i) =>
      drawn(line, { x, y, colour: colours[i % colours.length] ?? ink, i }),
    ),
    '</svg>',
    '',
  ].join('\n')
}

interface Axis {
  /** in units of the picture, to a tenth */
  readonly at: (value: number) => number
  readonly ticks: readonly number[]
}

function drawn(
  { name, points }: Line,
  to: { readonly x: Axis; readonly y: Axis; readonly colour: string; readonly i: number },
): string[] {
  const { x, y, colour, i } = to
  const path = points.map((point) => `${x.at(point.x)} ${y.at(point.y)}`).join('L')
  const legendY = frame.top + 12 + i * 20
  return [
    `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...points.flatMap((point) => [
      `<path d="M${x.at(point.x)} ${y.at(point.least)}V${y.at(point.most)}" stroke="${colour}"/>`,
      `<circle cx="${x.at(point.x)}" cy="${y.at(point.y)}" r="3" fill="${colour}"/>`,
    ]),
    `<path d="M${frame.right + 12} ${legendY}h18" stroke="${colour}" stroke-width="2"/>`,
    `<text x="${frame.right + 36}" y="${legendY + 4}">${escaped(name)}</text>`,
  ]
}

/** A tight axis ends at its values; another at ticks, and begins at 0 unless it is logarithmic. */
function axis(
  values: readonly number[],
  options: {
    readonly isLog: boolean
    readonly from: number
    readonly to: number
    readonly isTight: boolean
  },
): Axis {
  const { isLog, from, to, isTight } = options
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const ticks = isLog ? decades(least, most) : steps(isTight ? least : 0, most)
  const [begin, end] = isTight ? [least, most] : [ticks[0] ?? least, ticks.at(-1) ?? most]
  const place = isLog ? Math.log10 : (value: number) => value
  const at = (value: number) =>
    round(from + ((place(value) - place(begin)) / (place(end) - place(begin))) * (to - from))
  const shown = isTight && isLog ? [...new Set(values)].toSorted((a, b) => a - b) : ticks
  return { at, ticks: shown.filter((tick) => tick >= begin && tick <= end) }
}

/** Powers of ten around the values; at least one decade. */
export function decades(least: number, most: number): number[] {
  const first = Math.floor(Math.log10(least))
  const last = Math.max(first + 1, Math.ceil(Math.log10(most)))
  return Array.from({ length: last - first + 1 }, (_, i) => 10 ** (first + i))
}

/** Four to eight multiples of 1, 2 or 5 times a power of ten around the values. */
export function steps(least: number, most: number): number[] {
  const rough = Math.max(most - least, Number.MIN_VALUE) / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10) * power
  const first = Math.floor(least / step)
  const last = Math.ceil(most / step)
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  )
}

function tickText(value: number): string {
  return Number.isInteger(value) ? figure(value).replace(/\.0+$/, '') : String(value)
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
