import t, { type Test } from 'tap'
import { separateCommand } from '../../../src/cli/shell/run-shell.ts'
import type { DialectName } from '../../../src/client/zk/dialects.ts'
import type { ErrorNumber } from '../../../src/protocol/error-codes.ts'
import type { ReplyBody, Request } from '../../../src/protocol/zk/messages.ts'
import { type FakeScript, plainAnswer, someStat } from '../../client/zk/fake-server.ts'
import { type Scene, shellAt } from './shell-scene.ts'

/** A shell connected to a server with the tree / → a → b, c. */
async function shellFor(
  t: Test,
  dialect: DialectName = 'native',
  connectTimeoutMs = 10_000,
): Promise<Scene & { asked: Request[] }> {
  const asked: Request[] = []
  const children: Record<string, string[]> = {
    '/': ['a'],
    '/a': ['c', 'b'],
    '/a/b': [],
    '/a/c': [],
  }
  const script: FakeScript = {
    request: (connection, xid, request) => {
      if (request.type !== 'closeSession') asked.push(structuredClone(request))
      const path = 'path' in request ? request.path : '/'
      const refusal = refusals[path]
      const known = children[path] !== undefined || request.type === 'create'
      let body: ReplyBody = known ? plainAnswer(request) : { type: 'error', code: -101 }
      if (refusal !== undefined) body = { type: 'error', code: refusal }
      if (request.type === 'auth' && request.scheme !== 'digest')
        body = { type: 'error', code: -115 }
      if (known && request.type === 'getChildren') {
        body = { type: 'getChildren', children: children[path] ?? [], stat: someStat }
      }
      connection.reply(xid, 7, body)
      if ('watch' in request && request.watch) connection.event('NodeDataChanged', path, 8)
    },
  }
  return { asked, ...(await shellAt(t, script, { dialect, connectTimeoutMs })) }
}

/** Answers every request with success. */
const friendly: FakeScript = {
  request: (connection, xid, request) => connection.reply(xid, 7, plainAnswer(request)),
}

/** Paths for which the server answers with an error. */
const refusals: Record<string, ErrorNumber> = {
  '/noauth': -102,
  '/acl': -114,
  '/full': -125,
  '/readonly': -119,
}

const statLines =
  'cZxid = 0x1\nctime = DATE\nmZxid = 0x2\nmtime = DATE\npZxid = 0x1\ncversion = 0\n' +
  'dataVersion = 3\naclVersion = 0\nephemeralOwner = 0x0\ndataLength = 1\nnumChildren = 0\n'
const withoutDates = (text: string) => text.replaceAll(/time = .*/g, 'time = DATE')

const printed = [
  { line: 'ls /a', out: '[b, c]\n' },
  { line: 'ls -R /', out: '/\n/a\n/a/b\n/a/c\n' },
  { line: 'get /a', out: '/a\n' },
  { line: 'get -b /a', out: 'L2E=\n' },
  { line: 'create -s -e /x data', out: 'Created /x\n' },
  { line: 'get -s /a', out: `/a\n${statLines}` },
  { line: 'ls -s /a', out: `[b, c]\n${statLines}` },
  { line: 'set -s /a x', out: statLines },
  { line: 'stat /a', out: statLines },
  { line: 'getAcl /a', out: "'world,'anyone\n: cdrwa\n'digest,'ann:aGFzaA==\n: cr\n" },
  { line: 'setAcl -s /a world:anyone:r', out: statLines },
  { line: 'whoami', out: 'Auth scheme: User\nip: 127.0.0.1\ndigest: ann\n' },
  { line: 'addauth digest ann:secret', out: '' },
  { line: 'getEphemerals /a', out: '[/a, /a/b]\n' },
  { line: 'getAllChildrenNumber /', out: '7\n' },
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
    const { outcome, out: found, err } = await run(line)
    t.same({ outcome, out: withoutDates(found), err }, { outcome: 0, out, err: '' })
  })
}

const refused = [
  { line: 'get /none', outcome: 1, err: 'Node does not exist: /none\n' },
  { line: 'stat /none', outcome: 1, err: 'Node does not exist: /none\n' },
  { line: 'deleteall /none', outcome: 1, err: 'Node does not exist: /none\n' },
  {
    line: 'removewatches /a',
    outcome: 1,
    err: /^KeeperErrorCode = No such watcher for \/a: the watch does not exist\n$/,
  },
  { line: 'get /noauth', outcome: 1, err: 'Insufficient permission : /noauth\n' },
  { line: 'setAcl /acl ip:x:r', outcome: 1, err: 'Acl is not valid : /acl\n' },
  { line: 'set /full x', outcome: 1, err: 'Quota has exceeded : /full\n' },
  { line: 'create /readonly', outcome: 1, err: 'Not a read-only call: /readonly\n' },
  { line: 'addauth magic x', outcome: 1, err: 'Authentication is not valid : magic\n' },
  { line: 'config', outcome: 1, err: /Cannot show the members .*\/zookeeper\/config/ },
  { line: 'reconfig', outcome: 2, err: /give -add, -remove or -members/ },
  { line: 'reconfig -add x -members y', outcome: 2, err: /-members names all of them/ },
  { line: 'setAcl /a world:anyone', outcome: 2, err: /must have the form scheme:id:perm/ },
  {
    line: 'setAcl /a world:anyone:x',
    outcome: 2,
    err: /^Unknown perm type: x; .*\nUsage: setAcl .*\n$/,
  },
  { line: 'create -c -s /x', outcome: 2, err: /-c cannot be combined with -s or -e/ },
  {
    line: 'create -t 5 -e /x',
    outcome: 2,
    err: /^TTLs cannot be used with Ephemeral znodes\nUsage: create /,
  },
  { line: 'create -t 5 -c /x', outcome: 2, err: /^TTLs cannot be used with Container znodes\n/ },
  {
    line: 'create -t 0 /x',
    outcome: 2,
    err: /Cannot use TTL 0: it must be a number of milliseconds from 1/,
  },
  { line: 'create -t soon /x', outcome: 2, err: /Cannot use TTL soon/ },
  { line: 'set -b /a x', outcome: 2, err: /^Cannot read 'x': it is not base64\nUsage: set / },
  { line: 'deleteall -b 0 /a', outcome: 2, err: /Cannot use batch size 0/ },
  { line: 'removewatches -c -d /a', outcome: 2, err: /more than one of -c, -d, -p, -r and -a/ },
  {
    line: 'setquota /a',
    outcome: 2,
    err: /a limit is missing\nUsage: setquota -n\|-b\|-N\|-B value path\n$/,
  },
  {
    line: 'setquota -n 0 /a',
    outcome: 2,
    err: /^Cannot set quota -n 0: it must be a number from 1\n/,
  },
  { line: 'setquota -n 5 /', outcome: 2, err: /Cannot set a quota on \// },
  { line: 'setquota -n 5 /zookeeper/quota/a', outcome: 2, err: /below \/zookeeper\/quota/ },
  { line: 'setquota -n 5 /none', outcome: 1, err: '/none does not exist.\n' },
  { line: 'listquota /a', outcome: 1, err: 'quota for /a does not exist.\n' },
  { line: 'delquota /a', outcome: 1, err: 'quota for /a does not exist.\n' },
  {
    line: 'get',
    outcome: 2,
    err: 'Cannot run get: a word is missing\nUsage: get [-s] [-w] [-b] [-x] path\n',
  },
  { line: 'get -q /a', outcome: 2, err: /^Unrecognized option: -q\nUsage: get \[-s\] .*\n$/ },
  {
    line: 'set -v one /a x',
    outcome: 2,
    err: /^Cannot use version 'one': it must be a whole number\nUsage: set /,
  },
  {
    line: 'frobnicate',
    outcome: 2,
    err: 'Command not found: frobnicate; help lists all commands\n',
  },
  { line: 'gte /a', outcome: 2, err: 'Command not found: gte; did you mean get?\n' },
  { line: 'ls /a /b /c', outcome: 2, err: /^Cannot run ls: too many words\nUsage: ls / },
  { line: 'help nosuch', outcome: 2, err: /^Command not found: nosuch; help lists all commands\n/ },
  { line: 'help craete', outcome: 2, err: /did you mean create\?/ },
  {
    line: 'printwatches perhaps',
    outcome: 2,
    err: /it must be on or off\nUsage: printwatches \[on\|off\]/,
  },
  { line: 'connect ::1:2181', outcome: 2, err: /write \[::1\]:2181\nUsage: connect / },
  { line: 'multi ls /', outcome: 2, err: /Cannot use part 'ls'/ },
  { line: 'multi check', outcome: 2, err: /Cannot run part 'check ': a word is missing/ },
  { line: 'addWatch -m ONCE /a', outcome: 2, err: /Cannot use mode ONCE/ },
  {
    line: 'redo 7',
    outcome: 2,
    err: /^Cannot redo 7: the history has no command with this number\nUsage: redo number\n$/,
  },
  { line: 'get a', outcome: 1, err: /a path must start with/ },
]
for (const { line, outcome, err } of refused) {
  t.test(`${line} says ${err}`, async (t) => {
    const { run } = await shellFor(t)
    t.match(await run(line), { outcome, out: '', err })
  })
}

const requests: { line: string; asked: object[] }[] = [
  { line: 'create /x', asked: [{ type: 'create', path: '/x', data: null, mode: 'persistent' }] },
  { line: 'create -s -e /x', asked: [{ type: 'create', mode: 'ephemeralSequential' }] },
  { line: 'create -c /x', asked: [{ type: 'create', mode: 'container' }] },
  { line: 'create -t 500 /x y', asked: [{ type: 'create', mode: 'persistentTtl', ttlMs: 500 }] },
  { line: 'create -st /x', asked: [] },
  {
    line: 'create -s -t 500 /x',
    asked: [{ type: 'create', mode: 'persistentSequentialTtl', ttlMs: 500 }],
  },
  {
    line: 'create /x y world:anyone:r,digest:ann:aGFzaA==:cdrwa,ip:::1:w,auth::c',
    asked: [
      {
        type: 'create',
        acl: [
          { scheme: 'world', id: 'anyone', perms: 1 },
          { scheme: 'digest', id: 'ann:aGFzaA==', perms: 31 },
          { scheme: 'ip', id: '::1', perms: 2 },
          { scheme: 'auth', id: '', perms: 4 },
        ],
      },
    ],
  },
  {
    line: 'set -v 4 /a "two words"',
    asked: [{ type: 'setData', path: '/a', data: Buffer.from('two words'), version: 4 }],
  },
  { line: 'set -b /a aGk=', asked: [{ type: 'setData', data: Buffer.from('hi'), version: -1 }] },
  { line: 'delete -v 3 /a', asked: [{ type: 'delete', path: '/a', version: 3 }] },
  { line: 'sync /a', asked: [{ type: 'sync', path: '/a' }] },
  {
    line: 'setAcl -v 2 /a world:anyone:ra',
    asked: [{ type: 'setACL', path: '/a', acl: [{ perms: 17 }], version: 2 }],
  },
  {
    line: 'setAcl -R /a world:anyone:r',
    asked: [
      { type: 'getChildren' },
      { type: 'getChildren' },
      { type: 'getChildren' },
      { type: 'setACL', path: '/a' },
      { type: 'setACL', path: '/a/b' },
      { type: 'setACL', path: '/a/c' },
    ],
  },
  {
    line: 'addauth digest ann:secret',
    asked: [{ type: 'auth', scheme: 'digest', credential: Buffer.from('ann:secret') }],
  },
  { line: 'getEphemerals', asked: [{ type: 'getEphemerals', prefix: '/' }] },
  { line: 'ls -R -w /a/b', asked: [{ type: 'getChildren', path: '/a/b', watch: true }] },
  { line: 'addWatch /a', asked: [{ type: 'addWatch', path: '/a', mode: 'persistentRecursive' }] },
  { line: 'addWatch -m persistent /a', asked: [{ type: 'addWatch', mode: 'persistent' }] },
  { line: 'config -w', asked: [{ type: 'getData', path: '/zookeeper/config', watch: true }] },
  {
    line: 'multi create -e /e ; set -v 1 /a x ; delete /a ; create -t 9 /t y world:anyone:r',
    asked: [
      {
        type: 'multi',
        ops: [
          { type: 'create', path: '/e', mode: 'ephemeral' },
          { type: 'setData', path: '/a', version: 1 },
          { type: 'delete', path: '/a', version: -1 },
          { type: 'create', path: '/t', mode: 'persistentTtl', ttlMs: 9, acl: [{ perms: 1 }] },
        ],
      },
    ],
  },
]
for (const dialect of ['native', 'jute'] as const) {
  for (const { line, asked: want } of requests) {
    t.test(`${line} sends the request for its options in the ${dialect} dialect`, async (t) => {
      const { asked, run } = await shellFor(t, dialect)
      await run(line)
      t.equal(asked.length, want.length)
      t.match(asked, want)
    })
  }
}

const removals = [
  { option: '', mode: 'persistent_recursive', want: 'any' },
  { option: '-a', mode: 'persistent', want: 'any' },
  { option: '-p', mode: 'persistent', want: 'persistent' },
  { option: '-r -l', mode: 'persistent_recursive', want: 'persistentRecursive' },
]
for (const { option, mode, want } of removals) {
  t.test(`removewatches ${option} after addWatch -m ${mode} removes ${want}`, async (t) => {
    const { asked, run } = await shellFor(t)
    await run(`addWatch -m ${mode} /a`)
    t.match(await run(`removewatches ${option} /a`), { outcome: 0 })
    t.match(asked[1], { type: 'removeWatches', path: '/a', watcherType: want })
  })
}

t.test('deleteall deletes children before their parents, and never the root', async (t) => {
  const { asked, run } = await shellFor(t)
  await run('deleteall /a')
  const deleted = asked.flatMap((request) => (request.type === 'delete' ? [request.path] : []))
  t.same(deleted, ['/a/c', '/a/b', '/a'])
  t.match(await run('deleteall /'), { outcome: 2 })
})

t.test('an event is printed on arrival unless printwatches is off', async (t) => {
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
  t.match(await run('redo 3'), { outcome: 2 }, 'redo cannot repeat itself')
})

t.test('close and connect change the prompt', async (t) => {
  const { shell, run } = await shellFor(t)
  t.match(shell.prompt, /^\[zk: 127\.0\.0\.1:\d+\(CONNECTED\) 0\] $/)
  await run('close')
  t.match(shell.prompt, /\(CLOSED\) 1\] $/)
  t.match(await run('ls /'), { outcome: 1, err: 'Not connected: connect starts a new session\n' })
  t.match(await run('connect'), { outcome: 0 })
  t.match(shell.prompt, /\(CONNECTED\) 3\] $/)
  t.match(await run('session'), { out: /state = connected\n.*\nsessionId = 0x1267\n/ })
})

t.test('history hides passwords even in mistyped commands; redo still sends them', async (t) => {
  const { asked, run } = await shellFor(t)
  await run('addauth digest bob:SECRET')
  await run('adauth digest bob:SECRET')
  asked.length = 0
  t.match(await run('redo 0'), { outcome: 0 })
  t.match(asked, [{ type: 'auth', credential: Buffer.from('bob:SECRET') }])
  // Comes last, because a refused credential ends the session.
  await run('addauth bob:SECRET')
  await run('  addauth  magic "S SECRET"')
  const { out } = await run('history')
  t.notMatch(out, 'SECRET')
  t.match(out, '0 - addauth digest bob:******\n1 - adauth digest bob:******\n')
})

t.test('a failed connect keeps the session, its servers and its chroot', async (t) => {
  const { shell, run } = await shellFor(t, 'native', 2000)
  const { prompt } = shell
  const { zk } = shell
  const failed = await run('connect 127.0.0.1:1/elsewhere')
  t.match(failed, {
    outcome: 1,
    err: /Cannot connect to 127\.0\.0\.1:1 .*: .*; the current session at .* continues\n$/,
  })
  t.equal(shell.prompt, prompt.replace(' 0]', ' 1]'))
  t.equal(shell.zk, zk)
  t.match(await run('ls /a'), { outcome: 0, out: '[b, c]\n' })
})

t.test('a shell without a connection retries at the next command', async (t) => {
  const options = { startsLater: true, connectTimeoutMs: 2000 }
  const { shell, run, restart } = await shellAt(t, friendly, options)
  await t.rejects(shell.connect(), { code: 'CONNECTIONLOSS' })
  t.match(shell.prompt, /\(CLOSED\) 0\] $/)
  const { err } = await run('ls /')
  t.match(err, /^Cannot connect to /m)
  t.notMatch(err, /[Ss]ession/)
  t.match(await run('help'), { outcome: 0 }, 'local commands need no server')
  await restart()
  t.match(await run('whoami'), { outcome: 0 })
  t.match(shell.prompt, /\(CONNECTED\) 3\] $/)
})

t.test('a command entered while the shell connects waits for the session', async (t) => {
  const { shell, run } = await shellAt(t, friendly, { connects: false })
  const connected = shell.connect()
  t.match(shell.prompt, /\(CONNECTING\)/)
  t.match(await run('whoami'), { outcome: 0 })
  await connected
})

t.test('config and its events use the absolute path despite a chroot', async (t) => {
  const members = 'server.1=h:1:2:participant;h:2181\nversion=100000000'
  const script: FakeScript = {
    request: (connection, xid, request) => {
      const path = 'path' in request ? request.path : ''
      if (path !== '/zookeeper/config') {
        connection.reply(xid, 7, { type: 'error', code: -101 })
        return
      }
      const data = Buffer.from(members)
      connection.reply(xid, 7, { type: 'getData', data, stat: someStat })
      if ('watch' in request && request.watch) connection.event('NodeDataChanged', path, 8)
    },
  }
  const { run, told } = await shellAt(t, script, { chroot: '/zoo' })
  t.match(await run('config'), { outcome: 0, out: `${members}\n` })
  t.match(await run('config -c -w'), { outcome: 0, out: '100000000 h:2181\n' })
  await run('get /x')
  t.match(told, [/path:\/zookeeper\/config zxid: 8/])
})

t.test('null differs from the text null in every output format', async (t) => {
  const values: Record<string, Buffer | null> = { '/null': null, '/text': Buffer.from('null') }
  const script: FakeScript = {
    request: (connection, xid, request) => {
      const data = values['path' in request ? request.path : ''] ?? null
      connection.reply(xid, 7, { type: 'getData', data, stat: someStat })
    },
  }
  const { run } = await shellAt(t, script)
  for (const flag of ['', '-b ', '-x ']) {
    t.same(await run(`get ${flag}/null`), {
      outcome: 0,
      out: 'null\n',
      err: '/null has no data; this differs from the text null\n',
    })
    t.match(await run(`get ${flag}/text`), { outcome: 0, err: '' })
  }
})

t.test('get prints the exact bytes followed by a line feed', async (t) => {
  const data = Buffer.from([0xff, 0x00, 0x1b, 0x0d, 0x0a])
  const script: FakeScript = {
    request: (connection, xid) =>
      connection.reply(xid, 7, { type: 'getData', data, stat: someStat }),
  }
  const { run, printed } = await shellAt(t, script)
  await run('get /a')
  t.same(Buffer.concat(printed()), Buffer.concat([data, Buffer.from('\n')]))
})

t.test('a name or an id is printed as one line, whatever it contains', async (t) => {
  const name = 'a\nb\rc'
  const script: FakeScript = {
    request: (connection, xid, { type }) => {
      const body: ReplyBody =
        type === 'whoAmI'
          ? { type, identities: [{ scheme: 'digest', id: name }] }
          : type === 'getACL'
            ? { type, acl: [{ scheme: 'digest', id: name, perms: 31 }], stat: someStat }
            : { type: 'getChildren', children: [name], stat: someStat }
      connection.reply(xid, 7, body)
    },
  }
  const { run } = await shellAt(t, script)
  t.match(await run('ls /'), { out: '[a\\nb\\rc]\n' })
  t.match(await run('getAcl /'), { out: "'digest,'a\\nb\\rc\n: cdrwa\n" })
  t.match(await run('whoami'), { out: 'Auth scheme: User\ndigest: a\\nb\\rc\n' })
})

t.test('Tab offers no name with control characters', async (t) => {
  const children = ['ok', 'a\u202eb', 'c\x1b[2J']
  const script: FakeScript = {
    request: (connection, xid) =>
      connection.reply(xid, 7, { type: 'getChildren', children, stat: someStat }),
  }
  const { shell } = await shellAt(t, script)
  t.same(await shell.complete('ls /'), [['/ok'], '/'])
})

t.test('quit and exit both end the shell', async (t) => {
  for (const line of ['quit', 'exit']) {
    const { shell, run } = await shellFor(t)
    t.match(await run(line), { outcome: 0 })
    t.ok(shell.stopped, line)
  }
})

t.test('help COMMAND prints its usage and description', async (t) => {
  const { shell, run } = await shellFor(t)
  for (const { name, usage, about } of shell.commands) {
    const { outcome, out } = await run(`help ${name}`)
    t.equal(outcome, 0)
    t.equal(out.split('\n')[0], `${name} ${usage}`.trim())
    t.match(out, about)
  }
})

t.test('help names every command', async (t) => {
  const { shell, run } = await shellFor(t)
  const { out } = await run('help')
  for (const { name } of shell.commands) t.match(out, new RegExp(`^  ${name}\\b`, 'm'))
})

t.test('Tab completes commands, then live paths', async (t) => {
  const { shell } = await shellFor(t)
  t.same(await shell.complete('del'), [['delete ', 'deleteall ', 'delquota '], 'del'])
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
  { args: 'shell --dialect jute -r ls -s /', want: 'shell --dialect jute -r -- ls -s /' },
  { args: 'shell ls -s /', want: 'shell -- ls -s /' },
  { args: 'shell -- ls -s /', want: 'shell -- ls -s /' },
  { args: 'produce -s x y', want: 'produce -s x y' },
]
for (const { args, want } of separated) {
  t.test(`zw ${args} is understood as zw ${want}`, async (t) => {
    t.equal(separateCommand(args.split(' ')).join(' '), want)
  })
}
