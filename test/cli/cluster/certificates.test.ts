// The certificates of `zw up --tls`.

import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeCertificates } from '../../../src/cli/cluster/certificates.ts'

const day = 24 * 3_600_000
const read = (file: string) => new X509Certificate(readFileSync(file))
const modeOf = (path: string) => statSync(path).mode & 0o777

t.test('they are of one authority, name this machine, and are this user’s alone', async (t) => {
  const directory = join(t.testdir(), 'data', 'tls')
  const files = await makeCertificates(directory, Date.now())
  const ca = read(files.ca)
  t.ok(ca.ca)
  for (const holder of ['server', 'broker', 'client'] as const) {
    const certificate = read(files[holder])
    t.ok(certificate.verify(ca.publicKey), holder)
    t.equal(certificate.checkIP('127.0.0.1'), '127.0.0.1')
    t.equal(certificate.checkHost('localhost'), 'localhost')
    t.match(readFileSync(files[holder], 'utf8'), /^-----BEGIN PRIVATE KEY-----/)
  }
  t.equal(
    new Set(
      ['server', 'broker', 'client'].map(
        (name) => read(join(directory, `${name}.pem`)).serialNumber,
      ),
    ).size,
    3,
  )
  t.equal(modeOf(directory), 0o700)
  const left = readdirSync(directory).sort()
  t.same(left, ['broker.pem', 'ca.key', 'ca.pem', 'client.pem', 'server.pem'])
  for (const file of left) t.equal(modeOf(join(directory, file)), 0o600, file)
})

t.test('what is there is kept until it is about to expire', async (t) => {
  const directory = t.testdir()
  const { server, ca } = await makeCertificates(directory, Date.now())
  const [first, authority] = [read(server), read(ca)]
  await makeCertificates(directory, Date.now())
  t.equal(read(server).serialNumber, first.serialNumber)
  await makeCertificates(directory, Date.parse(first.validTo) - 20 * day)
  t.not(read(server).serialNumber, first.serialNumber)
  t.equal(read(ca).serialNumber, authority.serialNumber)
  const [key, kept] = [join(directory, 'ca.key'), read(server).serialNumber]
  rmSync(key)
  await makeCertificates(directory, Date.now())
  t.equal(read(server).serialNumber, kept, 'the key is not needed until something is to be signed')
  rmSync(join(directory, 'client.pem'))
  await t.rejects(makeCertificates(directory, Date.now()), /ca\.key is missing; put it back, or/)
})

t.test('certificates of another authority are replaced', async (t) => {
  const [one, other] = [t.testdir({ one: {}, other: {} })].flatMap((at) => [
    join(at, 'one'),
    join(at, 'other'),
  ]) as [string, string]
  const files = await makeCertificates(one, Date.now())
  const foreign = await makeCertificates(other, Date.now())
  writeFileSync(files.broker, readFileSync(foreign.broker))
  await makeCertificates(one, Date.now())
  t.ok(read(files.broker).verify(read(files.ca).publicKey))
})

t.test('without openssl it is said what to install', async (t) => {
  const made = makeCertificates(t.testdir(), Date.now(), 'no-such-openssl')
  await t.rejects(made, {
    name: 'CertificatesError',
    message: /openssl is not installed; install it \(apt-get install openssl/,
  })
})

t.test('what openssl says is passed on', async (t) => {
  const made = makeCertificates(t.testdir(), Date.now(), process.execPath)
  await t.rejects(made, { name: 'CertificatesError', message: /openssl says ./ })
})
