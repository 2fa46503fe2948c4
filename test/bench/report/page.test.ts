// The page of the benchmarks is rendered from its figures alone: a golden page of a few figures that
// show every kind of cell, and the page of this repository from the figures beside it.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { type Figures, formatFigures, readFigures } from '../../../bench/report/figures.ts'
import { type Page, renderPage } from '../../../bench/report/page.ts'

const golden = new URL('../../golden/bench-report/', import.meta.url)
const docs = new URL('../../../docs/', import.meta.url)
const preface = readFileSync(new URL('../../../bench/report/preface.md', import.meta.url), 'utf8')

const circumstances = {
  command: 'npm run bench -- report --parts load',
  commit: '0123456',
  date: '2026-01-02',
  cores: 2,
  processor: 'a processor',
  memoryGiB: 24,
  kernel: '6.1',
  node: 'v20.0.0',
  disk: 'ext4 on sda, solid-state',
  loadAverage: 0.25,
  versions: { zookeeper: '3.8.0' },
}
const labels = { load: 'set', shape: '12x64', valueBytes: 100 }

const figures: Figures = {
  format: 1,
  parts: {
    load: [
      {
        circumstances,
        points: [
          {
            labels,
            system: 'ours',
            rounds: [
              { perSecond: 60_000, p50: 900, p99: 2000, cpuMicros: 10 },
              { perSecond: 50_000, p50: 900, p99: 2500, cpuMicros: 12.5 },
              { perSecond: 70_000, p50: 900, p99: 3000, cpuMicros: 11 },
            ],
          },
          // Its second round failed: the others remain pairs.
          {
            labels,
            system: 'zookeeper',
            rounds: [{ perSecond: 20_000 }, {}, { perSecond: 10_000 }],
          },
          { labels, system: 'etcd', rounds: [{}, {}, {}] },
        ],
      },
    ],
    open: [
      {
        circumstances: { command: 'c', commit: 'x', date: '2026-01-02', cores: 2, note: 'Noted:' },
        points: [100, 1000].flatMap((rate) =>
          ['ours', '<other>'].map((system, i) => ({
            labels: { load: 'set', rate },
            system,
            rounds: [{ p99: rate * (i + 1) }, { p99: rate * (i + 2) }],
          })),
        ),
      },
    ],
  },
}

function files({ markdown, plots }: Page): ReadonlyMap<string, string> {
  return new Map([['page.md', markdown], ...plots])
}

t.test('a page shows medians, spreads, ratios of pairs, verdicts and plots', async (t) => {
  const rendered = files(renderPage(figures, '# Preface\n'))
  if (process.env['UPDATE_GOLDEN'] === '1') {
    mkdirSync(golden, { recursive: true })
    for (const [name, text] of rendered) writeFileSync(new URL(name, golden), text)
  }
  t.strictSame([...rendered.keys()].toSorted(), readdirSync(golden).toSorted())
  for (const [name, text] of rendered) {
    t.equal(text, readFileSync(new URL(name, golden), 'utf8'), name)
  }
})

t.test(
  'docs/benchmarks.md and its plots are rendered from docs/benchmarks/figures.json',
  async (t) => {
    const file = new URL('benchmarks/figures.json', docs)
    const kept = readFigures(file.pathname)
    t.equal(readFileSync(file, 'utf8'), formatFigures(kept), 'the figures are in their form')
    const { markdown, plots } = renderPage(kept, preface)
    t.equal(readFileSync(new URL('benchmarks.md', docs), 'utf8'), markdown)
    const beside = readdirSync(new URL('benchmarks/', docs)).filter((name) => name.endsWith('.svg'))
    t.strictSame(beside.toSorted(), [...plots.keys()].toSorted())
    for (const [name, svg] of plots) {
      t.equal(readFileSync(new URL(`benchmarks/${name}`, docs), 'utf8'), svg, name)
    }
  },
)
