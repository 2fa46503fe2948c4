import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { decodeUser } from '../../../src/protocol/mq/user-credentials.ts'
import { isPassword } from '../../../src/protocol/sasl/scram-credential.ts'
import { worldTest } from '../../broker/broker-world.ts'
import { readSecret } from '../../broker/test-secret.ts'
import { program } from '../../programs.ts'

const users = (words: readonly string[], input = '') => run(['users', ...words], input)

async function run(words: readonly string[], input = '') {
  const zw = [program('cli'), ...words]
  const child = spawn(process.execPath, zw, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const [out, err, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { out, err, status }
}

worldTest(t, 'users come, are shown, and go', { brokers: 1 }, async (t, world) => {
  const file = join(world.dataDir, 'secret')
  writeFileSync(file, readSecret(), { mode: 0o600 })
  const of = ['--server', world.zooweeper, '--secret-file', file]
  t.match(await users(['create', 'a b', ...of], 'open sesame\n'), {
    out: 'User a b is created.\n',
    status: 0,
  })
  const zk = await world.zk()
  const { data } = await zk.getData('/config/users/a%20b')
  for (const [mechanism, credential] of decodeUser(data)) {
    t.equal(await isPassword(mechanism, credential, 'open sesame'), true, mechanism)
  }
  t.match(await users(['create', 'a b', ...of], 'open barley\n'), {
    out: 'The password of user a b is changed.\n',
    status: 0,
  })
  const { acl } = await zk.getACL('/config/users/a%20b')
  t.notOk(
    acl.some(({ scheme }) => scheme === 'world'),
    'clients of ZooWeeper may not read it',
  )
  t.match(await users(['list', ...of]), { out: 'a b\tSCRAM-SHA-256, SCRAM-SHA-512\n', status: 0 })
  t.match(await users(['delete', 'a b', ...of]), { out: 'User a b is deleted.\n', status: 0 })
  const again = await users(['delete', 'a b', ...of])
  t.match(again, { err: "Cannot delete user 'a b': there is no such user\n", status: 1 })
  const chroot = ['--server', `${world.zooweeper}/none`, '--secret-file', file]
  const early = await users(['create', 'a b', ...chroot], 'open sesame\n')
  t.match(early, { err: /^Cannot create user 'a b': there is no znode \/none, /, status: 1 })
  const passwordFile = join(world.dataDir, 'password')
  writeFileSync(passwordFile, 'another', { mode: 0o600 })
  writeFileSync(file, 'the secret of other brokers', { mode: 0o600 })
  const refused = await users(['create', 'c', '--password-file', passwordFile, ...of])
  t.match(refused, { err: /not the secret of these brokers/, status: 1 })
})

const required = { brokers: 1, flags: ['--sasl-mechanisms=SCRAM-SHA-512', '--require-sasl'] }

worldTest(t, 'a user of zw is one of the brokers', required, async (t, world) => {
  const file = (name: string, text: string) => {
    const path = join(world.dataDir, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const secret = ['--secret-file', file('secret', readSecret().toString()), '-s', world.zooweeper]
  await users(['create', 'ann', ...secret], 'open sesame\n')
  const brokers = world.addresses.map(({ host, port }) => `${host}:${port}`).join()
  const list = ['topics', 'list', '-o', 'json', '-b', brokers]
  const ann = [...list, '--user', 'ann']
  const right = [...ann, '--password-file', file('right', 'open sesame\n')]
  t.match(await run(right), { status: 0 })
  const open = file('open', 'open sesame\n')
  chmodSync(open, 0o644)
  const err = `Cannot use --password-file: ${open} is open to other users: chmod 600 it`
  t.match(await run([...ann, '--password-file', open]), { status: 2, err })
  t.match(await users(['create', 'b', '--password-file', open, ...secret]), { status: 2, err })
  t.match(await run([...ann, '--password-file', file('wrong', 'guess\n')]), {
    status: 1,
    err: /name or password is wrong/,
  })
  t.match(await run(list), { status: 1, err: /requires SASL/ })
  t.match(await run([...right, '--sasl-mechanism', 'PLAIN']), {
    status: 1,
    err: /has SCRAM-SHA-512/,
  })
  t.match(await run(ann), { status: 2, err: /--password-file is missing/ })
})
