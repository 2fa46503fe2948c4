// A frame as a picture for pages: text in a grid of cells, with the colours of a dark terminal.

import { codeColumns } from '../../../src/cli/consumer/cells.ts'
import type { Frame, Size } from '../../../src/cli/consumer/screen-lines.ts'
import { type Style, styleOf } from '../../../src/cli/consumer/screen-palette.ts'

const cell = { width: 8.4, height: 18, baseline: 13.5 }
const margin = 8
const own = { foreground: '#d8dee9', background: '#15181e' }
// biome-ignore format: the sixteen colours; the bright ones are in the second half
const palette = [
  '#15181e', '#d0454c', '#5fb86a', '#d9a440', '#2b5fa8', '#a86fc0', '#3fa7b5', '#e8ecf2',
  '#7a828e', '#ff7b82', '#8fe39a', '#ffd479', '#7aa7f0', '#d7a3ee', '#7fdbe6', '#ffffff',
]

const goalsTitle =
  'The terminal consumer: goals in order of minute, servers, brokers, and what happened'

export function frameToSvg(frame: Frame, { columns, rows }: Size, title = goalsTitle): string {
  const width = round(columns * cell.width + 2 * margin)
  const height = rows * cell.height + 2 * margin
  const pieces = frame.flatMap((line, y) => {
    let x = 0
    return line.flatMap(({ text, tone }) => {
      const at = x
      for (const char of text) x += codeColumns(char.codePointAt(0) ?? 0)
      return piece(text, styleOf(tone, { colours: true }), { x: at, y, columns: x - at })
    })
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="100%" height="100%" rx="6" fill="${own.background}"/>`,
    '<g font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="14" xml:space="preserve">',
    ...pieces,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

interface Place {
  readonly x: number
  readonly y: number
  readonly columns: number
}

function piece(text: string, style: Style, { x, y, columns }: Place): string[] {
  const left = round(margin + x * cell.width)
  const top = margin + y * cell.height
  const width = round(columns * cell.width)
  const drawn: string[] = []
  const background = style.inverse === true ? own.foreground : palette[style.background ?? -1]
  if (background !== undefined) {
    const fill = background
    // Slightly wider than a cell: otherwise seams show between cells.
    drawn.push(
      `<rect x="${left}" y="${top}" width="${round(width + 0.3)}" height="${cell.height}" fill="${fill}"/>`,
    )
  }
  if (text.trim() !== '') {
    const ink = style.foreground === undefined ? own.foreground : palette[style.foreground]
    const fill = style.inverse === true ? own.background : ink
    const weight = style.bold === true ? ' font-weight="bold"' : ''
    // `textLength` keeps the grid in any font.
    drawn.push(
      `<text x="${left}" y="${top + cell.baseline}" fill="${fill}"${weight} textLength="${width}" lengthAdjust="spacingAndGlyphs">${escapeXml(text)}</text>`,
    )
  }
  return drawn
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
