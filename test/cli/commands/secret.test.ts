import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ClusterSecret } from '../../../src/protocol/mq/cluster-secret.ts'
import { program } from '../../programs.ts'

const zw = [program('cli'), 'secret']

const secret = (...words: readonly string[]) =>
  execFileSync(process.execPath, [...zw, ...words], { encoding: 'utf8' })

t.test('the file is created once, and --auth prints the identity for ACLs', async (t) => {
  const file = join(t.testdir(), 'mimicq.secret')
  t.equal(secret(file), `${file}\n`)
  const made = readFileSync(file, 'utf8')
  t.equal(secret(file), `${file}\n`)
  t.equal(readFileSync(file, 'utf8'), made)
  const { credential } = new ClusterSecret(Buffer.from(made.trim()))
  const printed = secret(file, '--auth')
  t.equal(printed, `addauth digest ${Buffer.from(credential).toString()}\n`)
  t.notMatch(printed, made.trim())
})

t.test('a file that holds no secret is not changed', async (t) => {
  const file = join(t.testdir(), 'mimicq.secret')
  writeFileSync(file, 'short', { mode: 0o600 })
  const { status, stderr } = spawnSync(process.execPath, [...zw, file], { encoding: 'utf8' })
  t.equal(status, 1)
  t.match(stderr, /holds 5 bytes/)
  t.equal(readFileSync(file, 'utf8'), 'short')
})
