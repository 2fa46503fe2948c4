import { readFileSync } from 'node:fs'
import t from 'tap'
import { environmentRows } from '../../../src/daemon/admin/environment.ts'
import { fullVersion, releasedOn } from '../../../src/daemon/admin/version.ts'

const read = (path: string): string =>
  readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const { version } = JSON.parse(read('package.json')) as { version: string }

t.test('the version parses as one of ZooKeeper', async (t) => {
  // kazoo: leading digits; check scripts and Elastic: the comma; Elastic: the date.
  t.match(
    fullVersion(),
    /^3\.9\.\d+-zooweeper-\d+\.\d+\.\d+, built on \d{4}-\d\d-\d\d \d\d:\d\d UTC$/,
  )
  t.ok(fullVersion().includes(`-${version},`))
})

t.test('it was built when the changelog says that it was released', async (t) => {
  const heading = read('CHANGELOG.md')
    .split('\n')
    .find((line) => line.startsWith(`## [${version}]`))
  t.ok([`## [${version}] - ${releasedOn}`, `## [${version}] - unreleased`].includes(heading ?? ''))
})

t.test('the environment has the keys of ZooKeeper, in its order', async (t) => {
  const rows = environmentRows('3.9.5-x')
  t.same(
    rows.map(([key]) => key),
    [
      ...['zookeeper.version', 'host.name', 'java.version', 'java.vendor', 'java.home'],
      ...['java.class.path', 'java.library.path', 'java.io.tmpdir', 'java.compiler', 'os.name'],
      ...['os.arch', 'os.version', 'user.name', 'user.home', 'user.dir'],
      ...['os.memory.free', 'os.memory.max', 'os.memory.total'],
    ],
  )
  t.equal(rows[0]?.[1], '3.9.5-x')
  for (const [key, value] of rows) t.notOk(value.includes('\n'), key)
  for (const [key, value] of rows.slice(-3)) t.match(value, /^\d+MB$/, key)
})
