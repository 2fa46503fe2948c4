import t, { type Test } from 'tap'
import { Shell, separateCommand } from '../../src/cli/shell.ts'
import { formatServer } from '../../src/client/servers.ts'
import type { ReplyBody, Request } from '../../src/protocol/zk/messages.ts'
import { FakeServer, plainAnswer, someStat } from '../client/fake-server.ts'

/** A shell at a server that knows the tree / → a → b, c; prints are gathered. */
async function shellFor(t: Test): Promise<Scene> {
  const told: string[] = []
  const asked: Request[] = []
  const children: Record<string, string[]> = {
    '/': ['a'],
    '/a': ['c', 'b'],
    '/a/b': [],
    '/a/c': [],
  }
  const server = await FakeServer.listen({
    request: (connection, xid, request) => {
      if (request.type !== 'closeSession') asked.push(structuredClone(request))
      const path = 'path' in request ? request.path : '/'
      const known = children[path] !== undefined || request.type === 'create'
      let body: ReplyBody = known ? plainAnswer(request) : { type: 'error', code: -101 }
      if (known && request.type === 'getChildren') {
        body = { type: 'getChildren', children: children[path] ?? [], stat: someStat }
      }
      connection.reply(xid, 7, body)
      if ('watch' in request && request.watch) connection.event('NodeDataChanged', path, 8)
    },
  })
  const printed = { out: '', err: '' }
  const shell = new Shell({
    servers: formatServer(server.address),
    sessionTimeoutMs: 10_000,
    connectTimeoutMs: 10_000,
    tellsStates: false,
    out: (text) => {
      printed.out += text
    },
    tell: (text) => {
      told.push(text)
    },
    err: (text) => {
      printed.err += text
    },
  })
  t.teardown(async () => {
    await shell.disconnect()
    await server.close()
  })
  await shell.connect()
  const run: Run = async (line) => {
    printed.out = printed.err = ''
    const outcome = await shell.runTyped(line)
    return { outcome, ...printed }
  }
  return { shell, asked, told, run }
}

interface Scene {
  shell: Shell
  /** requests that arrived */
  asked: Request[]
  /** printed without having been asked for */
  told: string[]
  run: Run
}

type Run = (line: string) => Promise<{ outcome: number; out: string; err: string }>

const printed = [
  { line: 'ls /a', out: '[b, c]\n' },
  { line: 'ls -R /', out: '/\n/a\n/a/b\n/a/c\n' },
  { line: 'get /a', out: '/a\n' },
  { line: 'get -b /a', out: 'L2E=\n' },
  { line: 'create -s -e /x data', out: 'Created /x\n' },
  { line: 'set /a x', out: '' },
  { line: 'delete -v 3 /a', out: '' },
  { line: 'sync /a', out: 'Sync is OK\n' },
  { line: 'addWatch -m PERSISTENT /a', out: '' },
  { line: 'printwatches', out: 'printwatches is on\n' },
  { line: 'multi create /x y ; check -v 3 /a', out: 'Created /x\nChecked /a\n' },
  { line: '# nothing', out: '' },
]
for (const { line, out } of printed) {
  t.test(`${line} prints ${JSON.stringify(out)}`, async (t) => {
    const { run } = await shellFor(t)
    t.same(await run(line), { outcome: 0, out, err: '' })
  })
}

const refused = [
  { line: 'get /none', outcome: 1, err: 'Node does not exist: /none\n' },
  { line: 'stat /none', outcome: 1, err: 'Node does not exist: /none\n' },
  { line: 'deleteall /none', outcome: 1, err: 'Node does not exist: /none\n' },
  { line: 'removewatches /a', outcome: 1, err: 'KeeperErrorCode = No such watcher for /a\n' },
  { line: 'get', outcome: 2, err: 'get [-s] [-w] [-b] [-x] path\n' },
  { line: 'get -q /a', outcome: 2, err: 'Unrecognized option: -q\n' },
  { line: 'set -v one /a x', outcome: 2, err: "Cannot read version 'one': no number\n" },
  { line: 'frobnicate', outcome: 2, err: 'Command not found: frobnicate, help lists them\n' },
  { line: 'multi ls /', outcome: 2, err: /No such part of a multi: ls/ },
  { line: 'addWatch -m ONCE /a', outcome: 2, err: /No such mode: ONCE/ },
  { line: 'redo 7', outcome: 2, err: 'There is no command 7\n' },
  { line: 'get a', outcome: 1, err: /a path must start with/ },
]
for (const { line, outcome, err } of refused) {
  t.test(`${line} says ${err}`, async (t) => {
    const { run } = await shellFor(t)
    t.match(await run(line), { outcome, out: '', err })
  })
}

t.test('requests carry what the options say', async (t) => {
  const { asked, run } = await shellFor(t)
  await run('create -s -e /a')
  await run('set -v 4 /a "two words"')
  await run('addWatch /a')
  await run('removewatches -a /a')
  await run('multi create -e /e ; set -v 1 /a x ; delete /a')
  t.match(asked, [
    { type: 'create', path: '/a', data: null, mode: 'ephemeralSequential' },
    { type: 'setData', path: '/a', data: Buffer.from('two words'), version: 4 },
    { type: 'addWatch', path: '/a', mode: 'persistentRecursive' },
    { type: 'removeWatches', path: '/a', watcherType: 'any' },
    {
      type: 'multi',
      ops: [
        { type: 'create', path: '/e', mode: 'ephemeral' },
        { type: 'setData', path: '/a', version: 1 },
        { type: 'delete', path: '/a', version: -1 },
      ],
    },
  ])
})

t.test('deleteall deletes children before their parents, and never the root', async (t) => {
  const { asked, run } = await shellFor(t)
  await run('deleteall /a')
  const deleted = asked.flatMap((request) => (request.type === 'delete' ? [request.path] : []))
  t.same(deleted, ['/a/c', '/a/b', '/a'])
  t.match(await run('deleteall /'), { outcome: 2 })
})

t.test('an event is printed when it comes, unless printwatches is off', async (t) => {
  const { run, told } = await shellFor(t)
  await run('get -w /a')
  await run('sync')
  t.same(told, [
    '\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDataChanged path:/a zxid: 8\n',
  ])
  await run('printwatches off')
  await run('get -w /a')
  await run('sync')
  t.equal(told.length, 1)
})

t.test('history is numbered, and redo runs an entry again', async (t) => {
  const { run } = await shellFor(t)
  await run('ls /a')
  await run('get /none')
  t.match(await run('history'), { out: '0 - ls /a\n1 - get /none\n2 - history\n' })
  t.match(await run('redo 0'), { outcome: 0, out: '[b, c]\n' })
  t.match(await run('redo 1'), { outcome: 1 })
  t.match(await run('redo 3'), { outcome: 2 }, 'not of itself')
})

t.test('close and connect change the prompt', async (t) => {
  const { shell, run } = await shellFor(t)
  t.match(shell.prompt, /^\[zk: 127\.0\.0\.1:\d+\(CONNECTED\) 0\] $/)
  await run('close')
  t.match(shell.prompt, /\(CLOSED\) 1\] $/)
  t.match(await run('ls /'), { outcome: 2, err: /Not connected/ })
  t.match(await run('connect'), { outcome: 0 })
  t.match(shell.prompt, /\(CONNECTED\) 3\] $/)
  t.match(await run('session'), { out: /state = connected\n.*\nsessionId = 0x1267\n/ })
})

t.test('help names every command', async (t) => {
  const { shell, run } = await shellFor(t)
  const { out } = await run('help')
  for (const { name } of shell.commands) t.match(out, new RegExp(`^  ${name}\\b`, 'm'))
})

t.test('Tab completes commands, then live paths', async (t) => {
  const { shell } = await shellFor(t)
  t.same(await shell.complete('del'), [['delete ', 'deleteall '], 'del'])
  t.same(await shell.complete('ls /'), [['/a'], '/'])
  t.same(await shell.complete('get -s /a/'), [['/a/b', '/a/c'], '/a/'])
  t.same(await shell.complete('get -s /a/b'), [['/a/b'], '/a/b'])
  t.same(await shell.complete('get /none/'), [[], '/none/'])
})

const separated = [
  { args: 'shell', want: 'shell' },
  { args: 'shell -s a:1', want: 'shell -s a:1' },
  { args: 'shell -s a:1 get -s /x', want: 'shell -s a:1 -- get -s /x' },
  { args: 'shell --server=a:1 -t 5 ls -R /', want: 'shell --server=a:1 -t 5 -- ls -R /' },
  { args: 'shell ls -s /', want: 'shell -- ls -s /' },
  { args: 'shell -- ls -s /', want: 'shell -- ls -s /' },
  { args: 'produce -s x y', want: 'produce -s x y' },
]
for (const { args, want } of separated) {
  t.test(`zw ${args} is understood as zw ${want}`, async (t) => {
    t.equal(separateCommand(args.split(' ')).join(' '), want)
  })
}
