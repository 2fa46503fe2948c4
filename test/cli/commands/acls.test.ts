import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { worldTest } from '../../broker/broker-world.ts'
import { readSecret } from '../../broker/test-secret.ts'
import { program } from '../../programs.ts'

async function acls(...words: readonly string[]) {
  const child = spawn(process.execPath, [program('cli'), 'acls', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { out, err, status }
}

worldTest(
  t,
  'rules come, are shown, and go',
  { brokers: 1, flags: ['--acls'] },
  async (t, world) => {
    const file = join(world.dataDir, 'secret')
    writeFileSync(file, readSecret(), { mode: 0o600 })
    const of = ['--server', world.zooweeper, '--secret-file', file]
    const ann = ['--principal', 'User:ann']
    const reading = ['--operation', 'read', '--operation', 'describe']
    t.same(await acls('add', ...ann, ...reading, '--topic', 'goals', ...of), {
      out: 'allow\tUser:ann\tread\ttopic\tgoals\nallow\tUser:ann\tdescribe\ttopic\tgoals\n',
      err: '',
      status: 0,
    })
    const team = ['--operation', 'read', '--group', 'team-', '--prefix', '--host', '::1', '--deny']
    t.match(await acls('add', '--principal', 'User:*', ...team, ...of), { status: 0 })
    t.same(await acls('list', ...of), {
      out: [
        'allow\tUser:ann\tread\ttopic\tgoals',
        'allow\tUser:ann\tdescribe\ttopic\tgoals',
        'deny\tUser:*\tread\tgroup\tteam-… (prefix) from ::1',
        '',
      ].join('\n'),
      err: '',
      status: 0,
    })
    const listed = await acls('list', '--topic', 'goals', '-o', 'json', ...of)
    t.match(JSON.parse(listed.out), [
      { name: 'goals', operation: 'read' },
      { operation: 'describe' },
    ])
    t.match(await acls('remove', ...ann, '--operation', 'read', '--topic', 'goals', ...of), {
      status: 0,
    })
    const left = await acls('list', ...ann, ...of)
    t.equal(left.out, 'allow\tUser:ann\tdescribe\ttopic\tgoals\n')
    const bad: readonly (readonly [readonly string[], RegExp])[] = [
      [['add', ...ann, ...reading], /name --topic, --group or --cluster/],
      [['add', ...ann, '--topic', 'a'], /--operation is missing/],
      [['add', ...reading, '--topic', 'a'], /--principal is missing/],
      [['add', ...ann, '--operation', 'write', '--group', 'a'], /a group has no operation 'write'/],
      [['add', '--principal', 'ann', ...reading, '--topic', 'a'], /is no principal: User:NAME/],
      [['list', '--topic', 'a', '--group', 'b'], /several of --topic, --group and --cluster/],
    ]
    for (const [words, found] of bad) {
      t.match(await acls(...words, ...of), { err: found, status: 2 }, words.join(' '))
    }
    writeFileSync(file, 'the secret of other brokers', { mode: 0o600 })
    const refused = await acls(
      'remove',
      ...ann,
      '--operation',
      'describe',
      '--topic',
      'goals',
      ...of,
    )
    t.match(refused, { err: /not the secret of these brokers/, status: 1 })
  },
)

worldTest(
  t,
  'without a broker that enforces them there are none',
  { brokers: 1 },
  async (t, world) => {
    const file = join(world.dataDir, 'secret')
    writeFileSync(file, readSecret(), { mode: 0o600 })
    const of = ['--server', world.zooweeper, '--secret-file', file]
    t.match(await acls('list', ...of), { err: /no broker with --acls/, status: 1 })
  },
)
