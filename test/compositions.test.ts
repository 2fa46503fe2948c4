// Below the compositions of the programs, everything comes out of the world that they are given
// (src/world.ts): this is what lets the simulator run them whole.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const src = fileURLToPath(new URL('../src/', import.meta.url))

/** Where a program or a library is given the real world. */
const edges = new Set([
  'broker/main.ts',
  'daemon/audit-file.ts',
  'daemon/main.ts',
  'daemon/storage/real-disk.ts',
  'client/zk/zk-client.ts',
  'client/mq/mq-cluster.ts',
])

/** Read files that are no data: the configuration, our version, what the system says of this process. */
const readers = new Set([
  'daemon/config.ts',
  'daemon/sasl-config.ts',
  'daemon/admin/version.ts',
  'daemon/admin/running-server.ts',
])

const forbidden: readonly { readonly what: string; readonly text: RegExp }[] = [
  {
    what: 'sockets',
    text: /\bTcp\w+|transport\/tcp\.ts|import (?!{ isIPv)[^;\n]*'node:(net|tls|dgram|http)'/,
  },
  {
    what: 'a directory on a disk',
    text: /\bopenDiskDirectory\b|\blockDataDir\b|\bmakeDirectory\b/,
  },
  {
    what: 'the end of a turn',
    text: /\bset(Immediate|Timeout|Interval)\b|node:timers|\bnextTick\b/,
  },
  {
    what: 'a clock',
    text: /\bDate\.now\b|new Date\(\)|\bperformance\b|\bhrtime\b|\bsystemClock\b/,
  },
  { what: 'chance', text: /Math\.random|\brandom(UUID|Int|Fill\w*)\b|getRandomValues/ },
  { what: 'chance of node:crypto', text: /import[^;]*\brandom\w*[^;]*from 'node:crypto'/ },
  { what: 'the real world', text: /\breal(World|Disk|ServerDisk)\b|real-(world|disk)\.ts/ },
]

/** Comments may say what the code does not name. */
function codeOf(file: string): string {
  const text = readFileSync(join(src, file), 'utf8')
  return text.replace(/^\s*(\/\/|\*|\/\*\*).*$/gm, '').replace(/ \/\/ .*$/gm, '')
}

function filesIn(directory: string): string[] {
  const names = readdirSync(join(src, directory), { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.ts')).map((name) => join(directory, name))
}

const files = ['broker', 'client', 'daemon'].flatMap(filesIn)

t.test('nothing below the compositions names the world outside', async (t) => {
  t.ok(files.length > 100, `${files.length} files`)
  for (const file of files) {
    if (edges.has(file)) continue
    const code = codeOf(file)
    const named = forbidden.filter(({ text }) => text.test(code)).map(({ what }) => what)
    t.same(named, [], file)
    if (!readers.has(file)) t.notMatch(code, /'node:fs/, file)
  }
})

t.test('clients fall back on the real world, and name nothing of it', async (t) => {
  for (const file of files.filter((file) => edges.has(file) && file.startsWith('client/'))) {
    const code = codeOf(file)
    t.equal(code.match(/\brealWorld\b/g)?.length, 2, `${file}: imported, and used once`)
    const others = forbidden.filter(({ what }) => what !== 'the real world')
    for (const { what, text } of others) t.notMatch(code, text, `${file}: ${what}`)
  }
})

t.test('a name that slips in is found', async (t) => {
  const slips = [
    "import { TcpTransport } from '../protocol/transport/tcp.ts'",
    "import { connect } from 'node:net'",
    "const directory = openDiskDirectory('data')",
    'setImmediate(() => this.flush())',
    "import { setImmediate as nextTurn } from 'node:timers/promises'",
    'const nowMs = Date.now()',
    'const choice = Math.random()',
    "import { createHash, randomBytes } from 'node:crypto'",
    'const id = crypto.randomUUID()',
  ]
  for (const slip of slips)
    t.ok(
      forbidden.some(({ text }) => text.test(slip)),
      slip,
    )
})
