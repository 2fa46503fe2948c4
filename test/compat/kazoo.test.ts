import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { untilReady } from '../../src/cli/cluster/cluster-ready.ts'
import { patienceMs, type World } from '../process/world.ts'
import { pythonWith, pythonWithKazoo, withoutKazoo, withoutKazooSuite } from './tools.ts'
import { clientFlags, connectString, startForClients } from './world.ts'

const script = fileURLToPath(new URL('./kazoo_claims.py', import.meta.url))
const suite = fileURLToPath(new URL('./kazoo_suite.py', import.meta.url))
const classes = ['TestReconfig', 'TestAuthentication', 'TestClientTransactions']
const python = pythonWithKazoo()

/** What the script writes. */
type Line =
  | { readonly claim: string; readonly error: string | null }
  | { readonly do: 'kill' | 'start'; readonly address: string }
  | { readonly done: true }

/** Of the password that kazoo's own suite uses. */
const superOfSuite = 'super:D/InIHSb7yEEbrWz8b9l71RjZJU='
const flags = [
  '--reconfig-enabled',
  `--digest-authentication-provider-super-digest=${superOfSuite}`,
]

t.test('kazoo', { skip: python === undefined && withoutKazoo }, async (t) => {
  const world = await startForClients(t, ...flags)
  const child = spawn(python ?? '', [script, connectString(world)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close')
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text
  })
  let done = false
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as Line
    if ('claim' in line) t.equal(line.error, null, line.claim)
    else if ('do' in line) {
      await obey(world, line)
      child.stdin.write('\n')
    } else done = line.done
  }
  t.ok(done, 'the script came to its end')
  if (!t.passing()) t.comment(errors)

  const withoutSuite = pythonWith('mock, pytest') === undefined && withoutKazooSuite
  await t.test("kazoo's own suite, unmodified", { skip: withoutSuite }, async (t) => {
    const args = [suite, connectString(world), ...classes.map((name) => `test_client.${name}`)]
    const { stdout } = await promisify(execFile)(python ?? '', args)
    const results = stdout
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text) as Line)
    for (const line of results) if ('claim' in line) t.equal(line.error, null, line.claim)
    t.match(results.at(-1), { done: true })
    t.ok(results.length > 20)
  })
})

async function obey({ cluster }: World, line: Extract<Line, { do: string }>): Promise<void> {
  const server = cluster.servers.find(
    ({ address: { host, port } }) => `${host}:${port}` === line.address,
  )
  if (server === undefined) throw new Error(`There is no server at ${line.address}`)
  if (line.do === 'kill') return cluster.kill(server)
  cluster.start(server, ...clientFlags, ...flags)
  await untilReady(cluster, AbortSignal.timeout(patienceMs))
}
