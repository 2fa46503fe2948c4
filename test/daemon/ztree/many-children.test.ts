import t, { type Test } from 'tap'
import { ManyChildren } from '../../../src/daemon/ztree/many-children.ts'
import { ByteWriter } from '../../../src/protocol/byte-writer.ts'
import { JuteReader } from '../../../src/protocol/compat/jute.ts'
import { Random } from '../../../src/random.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
t.comment(`SEED=${seed}`)

function listed(children: ManyChildren): string[] {
  const { count, bytes, runs } = children.names
  const out = new ByteWriter()
  for (const run of runs) run.insertJute(out)
  const view = out.view()
  const reader = new JuteReader().reset(view, 0, view.length)
  const names = Array.from({ length: count }, () => reader.string() ?? '')
  if (!reader.atEnd || bytes !== view.length)
    throw new Error(`${bytes} bytes, ${view.length} listed`)
  return names.sort()
}

function expectSame(t: Test, children: ManyChildren, names: ReadonlySet<string>): void {
  t.equal(children.size, names.size)
  t.ok(equal(listed(children), [...names].sort()), `${names.size} names`)
}

function equal(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i])
}

t.test('children come and go like those of a set, from few to many and back', async (t) => {
  const random = new Random(seed)
  const names = new Set(['first'])
  const children = new ManyChildren(names)
  const name = () => `${'é'.repeat(random.below(3))}${random.below(12_000)}`
  for (const mostlyGrows of [true, false, true]) {
    for (let step = 0; step < 15_000; step++) {
      const one = name()
      if (names.delete(one)) {
        children.delete(one)
        if (!mostlyGrows) continue
      }
      if (!mostlyGrows) continue
      names.add(one)
      children.add(one)
    }
    expectSame(t, children, names)
  }
  for (const one of names) children.delete(one)
  expectSame(t, children, new Set())
  t.equal(children.names.runs.length, 1, 'short runs have joined')
})

t.test('runs are short, so that a change is cheap, and not too many', async (t) => {
  const children = new ManyChildren(['k'])
  for (let i = 0; i < 100_000; i++) children.add(`k-${String(i).padStart(10, '0')}`)
  const { runs, bytes } = children.names
  for (const run of runs) if (run.bytes > 8192) t.fail(`a run of ${run.bytes} bytes`)
  t.ok(runs.length < bytes / 2048, `${runs.length} runs for ${bytes} bytes`)
})

t.test(
  'pages hold each child that is there all the time once, whatever comes and goes',
  async (t) => {
    const random = new Random(seed)
    const staying = Array.from({ length: 5000 }, (_, i) => `stays-${i}`)
    const children = new ManyChildren(staying)
    const others: string[] = []
    const found: string[] = []
    let pages = 0
    for (let from = 0, isFirst = true; isFirst || from > 0; isFirst = false) {
      const page = children.page(from, 20_000)
      if (page.names.bytes > 40_000) t.fail(`a page of ${page.names.bytes} bytes`)
      found.push(...page.names.runs.flatMap((run) => [...run.names()]))
      if (page.next > 0 && page.next <= from) t.fail('pages go on')
      from = page.next
      pages++
      // Runs are split and joined between two pages.
      if (random.below(2) === 0) for (const one of others.splice(0)) children.delete(one)
      for (let i = 0; i < 3000; i++) others.push(`goes-${pages}-${i}`)
      for (const one of others.slice(-3000)) children.add(one)
    }
    t.ok(pages > 4, `${pages} pages`)
    const stayed = found.filter((name) => name.startsWith('stays'))
    t.ok(equal(stayed.sort(), [...staying].sort()))
    t.equal(new Set(found).size, found.length, 'none is there twice')
  },
)

t.test('a name longer than a run is one of its own', async (t) => {
  const names = Array.from({ length: 20 }, (_, i) => `${'x'.repeat(20_000)}${i}`)
  const children = new ManyChildren(names)
  expectSame(t, children, new Set(names))
  for (const name of names.splice(5)) children.delete(name)
  expectSame(t, children, new Set(names))
})
