// `zw shell` as a user runs it: a separate process, with a real server.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { parseServers } from '../../src/client/server-list.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { program } from '../programs.ts'

const zw = [program('cli'), 'shell']

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function run(args: readonly string[], input: string | undefined): Promise<Ran> {
  const child = spawn(process.execPath, [...zw, ...args])
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin.end(input ?? '')
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return address !== null && typeof address === 'object' ? address.port : 0
}

/** Starts a standalone server, which is stopped at the end of the test. */
async function startServer(t: Test, ...more: string[]): Promise<string> {
  const port = await freePort()
  const args = ['--data-dir', t.testdir(), '--client-port', String(port), ...more]
  const child: ChildProcess = spawn(process.execPath, [program('daemon'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (child.stdout !== null) createInterface(child.stdout).on('line', () => undefined)
  t.teardown(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const zk = new ZkClient({ servers: [{ host: '127.0.0.1', port }] })
  await zk.connect()
  await zk.close()
  return `127.0.0.1:${port}`
}

t.test('one command, many commands, and their exit codes', async (t) => {
  const server = await startServer(t)

  t.same(await run(['-s', server, 'create', '/goals', '{"minute": 1}'], undefined), {
    code: 0,
    out: 'Created /goals\n',
    err: '',
  })
  const got = await run(['-s', server, 'get', '-s', '/goals'], undefined)
  t.equal(got.code, 0)
  t.match(
    got.out,
    /^\{"minute": 1\}\ncZxid = 0x[0-9a-f]+\n(.*\n)*dataLength = 13\nnumChildren = 0\n$/,
  )
  t.same(await run(['-s', server, 'get', '/none'], undefined), {
    code: 1,
    out: '',
    err: 'Node does not exist: /none\n',
  })

  const script = [
    '# goals, in order',
    'create -s /goals/n- 007',
    'create -s /goals/n- 1e3',
    'ls -R /goals',
    'get /goals/n-0000000000',
    'addWatch /goals',
    'set -v 9 /goals x',
    'set -v 0 /goals x',
    'multi create /goals/m 1 ; delete /none',
    'multi create /goals/m 1 ; set /goals/m 2 ; check -v 1 /goals/m',
    'get /goals/m',
    'deleteall /goals',
    'ls /',
  ]
  const piped = await run(['-s', server], `${script.join('\n')}\n`)
  t.equal(piped.code, 1)
  t.same(piped.err.split('\n'), [
    'line 7: version No is not valid : /goals',
    'line 9: No part was applied: part 2 of 2 failed: Node does not exist: /none',
    '',
  ])
  const printed = piped.out.split('\n').filter((line) => line !== '' && !/^WATCHE/.test(line))
  t.same(
    printed.filter((line) => !line.startsWith('WatchedEvent')),
    [
      'Created /goals/n-0000000000',
      'Created /goals/n-0000000001',
      '/goals',
      '/goals/n-0000000000',
      '/goals/n-0000000001',
      '007',
      'Created /goals/m',
      'Set /goals/m',
      'Checked /goals/m',
      '2',
      '[zookeeper]',
    ],
  )
  const events = printed.flatMap((line) => /type:(\w+ path:\S+)/.exec(line)?.[1] ?? [])
  t.same(events, [
    'NodeDataChanged path:/goals',
    'NodeCreated path:/goals/m',
    'NodeDataChanged path:/goals/m',
    'NodeDeleted path:/goals/n-0000000001',
    'NodeDeleted path:/goals/n-0000000000',
    'NodeDeleted path:/goals/m',
    'NodeDeleted path:/goals',
  ])

  t.match(await run(['-s', `${server}/chroot`, 'ls', '/'], undefined), {
    code: 1,
    err: 'Node does not exist: /\n',
  })
})

t.test('a script with every tree command, in either dialect', async (t) => {
  const server = await startServer(t, '--extended-types-enabled', '--enforce-quota')
  for (const dialect of ['native', 'jute']) {
    const script = [
      'create -c /box',
      'create -t 60000 /box/ttl soon',
      'create -e /box/me',
      'create -s /box/n- 1',
      'getEphemerals',
      'getEphemerals /none',
      'getAllChildrenNumber /box',
      'create /mine secret auth::cdrwa',
      'addauth digest ann:secret',
      'create /mine secret auth::cdrwa,ip:127.0.0.1:r',
      'getAcl /mine',
      'whoami',
      'setAcl /mine world:anyone:cdra',
      'set /mine x',
      'setAcl -v 7 /mine world:anyone:cdrwa',
      'create /q',
      'setquota -N 2 /q',
      'create /q/1',
      'create /q/2',
      'listquota /q',
      'setquota -n 3 /q/1',
      'delquota /q',
      'create /q/2',
      'config -c',
      'deleteall -b 2 /q',
      'ls -R /box',
      'deleteall /box',
      'delete /mine',
    ]
    const ran = await run(['-s', server, '--dialect', dialect], `${script.join('\n')}\n`)
    t.same(ran.out.split('\n'), [
      'Created /box',
      'Created /box/ttl',
      'Created /box/me',
      'Created /box/n-0000000002',
      '[/box/me]',
      '[]',
      '3',
      'Created /mine',
      "'digest,'ann:7RJfAeIvrl4zdj6sS2fXrQHDvHM=",
      ': cdrwa',
      "'ip,'127.0.0.1",
      ': r',
      'Auth scheme: User',
      'ip: 127.0.0.1',
      'digest: ann',
      'Created /q',
      'Created /q/1',
      'absolute path is /zookeeper/quota/q/zookeeper_limits',
      'Output quota for /q count=-1,bytes=-1=;byteHardLimit=-1;countHardLimit=2',
      'Output stat for /q count=2,bytes=0',
      'Created /q/2',
      '',
      '/box',
      '/box/me',
      '/box/n-0000000002',
      '/box/ttl',
      '',
    ])
    t.same(ran.err.split('\n'), [
      'line 8: Acl is not valid : /mine',
      'line 14: Insufficient permission : /mine',
      'line 15: version No is not valid : /mine',
      'line 19: Quota has exceeded : /q/2',
      'line 21: /q/1 has a parent /q which has a quota',
      '',
    ])
    t.equal(ran.code, 1)
  }
})

t.test('an unreachable server is reported', async (t) => {
  const server = `127.0.0.1:${await freePort()}`
  const args = ['-s', server, '--connect-timeout', '200', 'ls', '/']
  const { code, err } = await run(args, undefined)
  t.equal(code, 1)
  const found = `${server} (connection refused)`
  t.equal(
    err,
    `No server is available yet, retrying: ${found}\n` +
      `Cannot connect to ${found}: no server served us within 200 ms\n`,
  )
})

t.test('an invalid command line exits with code 2 and a hint', async (t) => {
  t.match(await run(['--bogus'], undefined), {
    code: 2,
    err: /bogus\nUsage: zw shell .*\nzw shell --help shows the details\n$/,
  })
  t.match(await run(['--dialect', 'latin', 'ls', '/'], undefined), { code: 2, err: /jute/ })
  t.match(
    await run(['get'], undefined),
    { code: 2, err: /\nUsage: get \[-s\]/ },
    'without any server',
  )
  t.match(await run(['-s', '::1:2181', 'ls', '/'], undefined), {
    code: 2,
    err: /write \[::1\]:2181/,
  })
  t.match(await run(['-t', 'x', 'ls', '/'], undefined), { code: 2, err: /--timeout x: it must be/ })
})

/** A shell whose standard input stays open. */
function open(
  t: Test,
  server: string,
  input: string,
): { readonly zw: ChildProcess; readonly out: () => string } {
  const child = spawn(process.execPath, [...zw, '-s', server], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more
    child.emit('printed')
  })
  child.stdin?.write(input)
  return { zw: child, out: () => text }
}

t.test('quit and exit end the shell while its input stays open', async (t) => {
  const server = await startServer(t)
  for (const word of ['quit', 'exit']) {
    const { zw, out } = open(t, server, `ls /\n${word}\nls /zookeeper\n`)
    const [code] = await once(zw, 'exit')
    t.equal(code, 0, word)
    t.equal(out(), '[zookeeper]\n', 'later lines are not run')
  }
})

t.test('a signal closes the session before the shell exits', async (t) => {
  const server = await startServer(t)
  const zk = new ZkClient({ servers: parseServers(server).servers })
  await zk.connect()
  t.teardown(() => zk.close())
  for (const [signal, want] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { zw, out } = open(t, server, 'create -e /mine\n')
    while (!out().includes('Created /mine')) await once(zw, 'printed')
    zw.kill(signal)
    const [code] = await once(zw, 'exit')
    t.equal(code, want)
    t.equal(await zk.exists('/mine'), undefined, 'its ephemeral znode is deleted at once')
  }
})

t.test('each error in a script names its line, including syntax errors', async (t) => {
  const server = await startServer(t)
  const { code, err, out } = await run(
    ['-s', server],
    'ls /\r\n\n# a comment\nset /a "open\nfrobnicate\nget -q /a\nget /none',
  )
  t.equal(code, 2)
  t.equal(out, '[zookeeper]\n', 'a carriage return is not part of a command')
  t.same(err.split('\n'), [
    'line 4: Cannot read the line: a " is not closed',
    'line 5: Command not found: frobnicate; help lists all commands',
    'line 6: Unrecognized option: -q',
    'Usage: get [-s] [-w] [-b] [-x] path',
    'line 7: Node does not exist: /none',
    '',
  ])
})

t.test('a reader that closes the pipe early is not a failure', async (t) => {
  const server = await startServer(t)
  const words = [process.execPath, ...zw, '-s', server, 'ls', '-R', '/'].join(' ')
  const child = spawn('bash', ['-c', `${words} | true; echo $PIPESTATUS`])
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => {
    out += text
  })
  child.stderr.on('data', (text) => {
    err += text
  })
  await once(child, 'close')
  t.same({ out, err }, { out: '0\n', err: '' })
})

const hasScript = spawnSync('script', ['--version']).status === 0

t.test('pipes get the bytes, terminals no control characters', { skip: !hasScript }, async (t) => {
  const server = await startServer(t)
  const zk = new ZkClient({ servers: parseServers(server).servers })
  await zk.connect()
  const data = Buffer.from([0xff, 0x1b, 0x5b, 0x32, 0x4a, 0x9b, 0x33, 0x31, 0x6d])
  await zk.create('/raw', data)
  await zk.create('/bidi\u202ename')
  await zk.close()
  const words = [...zw, '-s', server]
  const piped = spawnSync(process.execPath, [...words, 'get', '/raw'])
  t.same(piped.stdout, Buffer.concat([data, Buffer.from('\n')]))

  const shown = (...command: string[]) => {
    const line = [process.execPath, ...words, ...command].map((word) => `'${word}'`).join(' ')
    return spawnSync('script', ['-qec', line, '/dev/null']).stdout
  }
  t.equal(shown('get', '/raw').toString('latin1'), '\\xff\\x1b[2J\\x9b31m\r\n')
  t.equal(shown('ls', '/').toString(), '[bidi\\u202ename, raw, zookeeper]\r\n')
  t.match(shown('get', '/no\u202e').toString(), 'Node does not exist: /no\\u202e\r\n')
})

t.test(
  'at a prompt, passwords are not recalled, Ctrl-C clears the line, and exit ends the shell',
  {
    skip: !hasScript,
  },
  async (t) => {
    const server = await startServer(t)
    const line = [process.execPath, ...zw, '-s', server].join(' ')
    const child = spawn('script', ['-qec', line, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm' },
    })
    t.teardown(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      child.emit('printed')
    })
    /** Types keys and waits for matching output. */
    const type = async (keys: string, like: RegExp) => {
      const from = out.length
      child.stdin.write(keys)
      while (!like.test(out.slice(from))) await once(child, 'printed')
      return out.slice(from)
    }
    await type('', /\(CONNECTED\) 0\] /)
    await type('ls /\r', /\(CONNECTED\) 1\] /)
    await type('addauth digest bob:SECRET\r', /\(CONNECTED\) 2\] /)
    const recalled = await type('\x1b[A', /ls \//)
    t.notMatch(recalled, 'SECRET')
    await type('\x03', /\^C.*\(CONNECTED\) 2\] /s)
    t.notMatch(await type('history\r', /2 - history/), 'SECRET')
    child.stdin.write('exit\r')
    const [code] = await once(child, 'exit')
    t.equal(code, 0)
  },
)
