import { execFileSync } from 'node:child_process'
import { appendFileSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Credentials } from '../../../src/protocol/tls/credentials.ts'
import type { StoreSettings, TlsSettings } from '../../../src/protocol/tls/settings.ts'
import { RefusedStartError } from '../../../src/refused-start.ts'
import { Authority, openssl } from '../../certificates.ts'
import { RecordingLogger } from '../../recording-logger.ts'

const directory = t.testdir()
const at = (file: string) => join(directory, file)
const authority = new Authority(directory)
const server = authority.sign('server')
const other = authority.sign('other')

/** A PKCS #12 store of the server's key and certificates. */
function pkcs12(file: string, ...args: readonly string[]): string {
  const files = [
    '-inkey',
    server.key,
    '-in',
    server.certificate,
    '-certfile',
    authority.certificate,
  ]
  openssl(['pkcs12', '-export', ...files, '-out', at(file), '-passout', 'pass:secret', ...args])
  return at(file)
}

const store = (file: string, more: Partial<StoreSettings> = {}): StoreSettings => ({
  files: [file],
  type: undefined,
  password: undefined,
  passwordFile: undefined,
  quoted: `keys=${file}`,
  ...more,
})

const base = { minProtocol: 'TLSv1.2', maxProtocol: 'TLSv1.3', ciphers: undefined } as const

function open(
  settings: Partial<TlsSettings>,
  { nowMs = Date.now(), logger = new RecordingLogger() } = {},
): Credentials {
  const none = { keyStore: undefined, trustStore: undefined, isReloaded: false }
  return new Credentials({
    settings: { ...base, ...none, ...settings },
    wallMs: () => nowMs,
    logger,
  })
}

function keytool(...args: readonly string[]): void {
  execFileSync('keytool', args, { stdio: 'ignore' })
}

const hasKeytool = (() => {
  try {
    keytool('-help')
    return true
  } catch {
    return false
  }
})()

// --- what is read -----------------------------------------------------------------------------------

openssl([
  'pkcs8',
  '-topk8',
  '-in',
  server.key,
  '-out',
  at('encrypted.pem'),
  '-passout',
  'pass:secret',
])
appendFileSync(at('encrypted.pem'), readFileSync(server.certificate))
writeFileSync(at('password'), 'secret\n')
copyFileSync(pkcs12('modern.p12'), at('p12-named.jks'))

const password = 'secret'
const keyStores: readonly { name: string; keyStore: StoreSettings }[] = [
  { name: 'PEM', keyStore: store(server.pem) },
  { name: 'PEM in two files', keyStore: store('', { files: [server.certificate, server.key] }) },
  { name: 'PEM with an encrypted key', keyStore: store(at('encrypted.pem'), { password }) },
  {
    name: 'a password in a file',
    keyStore: store(at('encrypted.pem'), { passwordFile: at('password'), password: 'overridden' }),
  },
  { name: 'PKCS #12 of OpenSSL 3', keyStore: store(at('modern.p12'), { password }) },
  {
    name: 'PKCS #12 of triple DES and SHA-1',
    keyStore: store(
      pkcs12('old.p12', '-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'),
      { password },
    ),
  },
  {
    name: 'PKCS #12 with a MAC of SHA-512, and AES-128',
    keyStore: store(
      pkcs12('long.p12', '-macalg', 'sha512', '-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC'),
      { password },
    ),
  },
  {
    name: 'PKCS #12 whose certificates are not encrypted',
    keyStore: store(pkcs12('plain.p12', '-certpbe', 'NONE'), { password }),
  },
  {
    name: 'PKCS #12 in a .jks, as keytool writes it',
    keyStore: store(at('p12-named.jks'), { password }),
  },
  {
    name: 'PKCS #12 without an ending',
    keyStore: store(at('modern.p12'), { password, type: 'PKCS12' }),
  },
]
for (const { name, keyStore } of keyStores) {
  t.test(`a key store is read: ${name}`, async (t) => {
    const { options } = open({ keyStore })
    t.match(options.key, '-----BEGIN PRIVATE KEY-----')
    const own = readFileSync(server.certificate, 'latin1').trim()
    t.ok(String(options.cert).startsWith(own), 'its own certificate comes first')
  })
}

t.test(
  'a trust store of keytool is read',
  { skip: !hasKeytool && 'there is no keytool' },
  async (t) => {
    const import_ = [
      '-importcert',
      '-noprompt',
      '-storepass',
      'secret6',
      '-file',
      authority.certificate,
    ]
    keytool(...import_, '-alias', 'ca', '-keystore', at('trust.p12'), '-storetype', 'PKCS12')
    const trustStore = store(at('trust.p12'), { password: 'secret6' })
    const { options } = open({ trustStore })
    t.equal(String(options.ca).trim(), readFileSync(authority.certificate, 'latin1').trim())
  },
)

t.test('a trust store of PEM has all its certificates', async (t) => {
  const second = new Authority(directory, 'second')
  writeFileSync(at('both.pem'), readFileSync(authority.certificate))
  appendFileSync(at('both.pem'), readFileSync(second.certificate))
  const { options } = open({ trustStore: store(at('both.pem')) })
  t.equal(String(options.ca).match(/BEGIN CERTIFICATE/g)?.length, 2)
})

// --- what is refused --------------------------------------------------------------------------------

writeFileSync(at('mixed.pem'), readFileSync(other.key))
appendFileSync(at('mixed.pem'), readFileSync(server.certificate))
writeFileSync(
  at('damaged.pem'),
  readFileSync(server.pem, 'latin1').replace(/(?<=PRIVATE KEY-----\n)M.{20}/, 'MIGA'),
)
writeFileSync(at('text.pem'), 'hello\n')
writeFileSync(at('java.jks'), Buffer.from('feedfeed00000002', 'hex'))
writeFileSync(at('cut.p12'), readFileSync(at('modern.p12')).subarray(0, 500))

const year = 365 * 24 * 3600 * 1000
const refusals: readonly {
  name: string
  keyStore: StoreSettings
  nowMs?: number
  says: RegExp
}[] = [
  { name: 'no file', keyStore: store(at('none.pem')), says: /there is no file .*none\.pem/ },
  { name: 'a directory', keyStore: store(directory), says: /it is a directory/ },
  {
    name: 'an encrypted key without a password',
    keyStore: store(at('encrypted.pem')),
    says: /encrypted, and there is no password/,
  },
  {
    name: 'a wrong password of a PEM key',
    keyStore: store(at('encrypted.pem'), { password: 'wrong' }),
    says: /the password is wrong/,
  },
  {
    name: 'a wrong password of PKCS #12',
    keyStore: store(at('modern.p12'), { password: 'wrong' }),
    says: /the password is wrong/,
  },
  {
    name: 'no password file',
    keyStore: store(at('modern.p12'), { passwordFile: at('nowhere') }),
    says: /the file of its password: there is no file .*nowhere/,
  },
  { name: 'no key', keyStore: store(authority.certificate), says: /no private key/ },
  { name: 'no certificate', keyStore: store(server.key, { type: 'PEM' }), says: /no certificate/ },
  {
    name: 'a key of another certificate',
    keyStore: store(at('mixed.pem')),
    says: /private key does not match its certificate \(CN=server\)/,
  },
  {
    name: 'a damaged key',
    keyStore: store(at('damaged.pem')),
    says: /cannot be read: it is damaged/,
  },
  { name: 'other text', keyStore: store(at('text.pem')), says: /neither PEM .* nor PKCS #12/ },
  { name: 'half a file', keyStore: store(at('cut.p12'), { password }), says: /cut off/ },
  {
    name: 'JKS',
    keyStore: store(at('java.jks')),
    says: /keytool -importkeystore -srckeystore .*java\.jks -destkeystore .*java\.p12 -deststoretype PKCS12/,
  },
  {
    name: 'another type than it is',
    keyStore: store(server.pem, { type: 'PKCS12' }),
    says: /it holds PEM, and its type or ending says PKCS12/,
  },
  {
    name: 'an expired certificate',
    keyStore: store(server.pem),
    nowMs: Date.now() + year,
    says: /\(CN=server\) expired on/,
  },
  {
    name: 'a certificate of the future',
    keyStore: store(server.pem),
    nowMs: Date.now() - year,
    says: /\(CN=server\) is not valid before/,
  },
]
for (const { name, keyStore, nowMs = Date.now(), says } of refusals) {
  t.test(`a key store is refused, with its option: ${name}`, async (t) => {
    t.throws(() => open({ keyStore }, { nowMs }), RefusedStartError)
    t.throws(() => open({ keyStore }, { nowMs }), { message: `Cannot use ${keyStore.quoted}: ` })
    t.throws(() => open({ keyStore }, { nowMs }), { message: says })
  })
}

// --- reading again -----------------------------------------------------------------------------------

t.test('a changed file is read again, a broken one is a warning', async (t) => {
  const file = at('rotated.pem')
  const replace = (from: string): void => {
    copyFileSync(from, `${file}.new`)
    renameSync(`${file}.new`, file)
  }
  replace(server.pem)
  const logger = new RecordingLogger()
  const credentials = open({ keyStore: store(file), isReloaded: true }, { logger })
  let changes = 0
  credentials.onChange(() => changes++)
  const first = credentials.context

  credentials.maybeReload()
  t.equal(credentials.context, first, 'an unchanged file stays as it is')

  writeFileSync(file, 'half a certif')
  credentials.maybeReload()
  credentials.maybeReload()
  t.equal(credentials.context, first, 'a broken file changes nothing')
  t.equal(changes, 0)
  t.equal(logger.lines.filter(({ level }) => level === 'warn').length, 1, 'and is told once')

  replace(other.pem)
  credentials.maybeReload()
  t.not(credentials.context, first)
  t.equal(changes, 1)
  t.match(credentials.options.cert, readFileSync(other.certificate, 'latin1').trim())
})

t.test('without the option, a changed file is not read again', async (t) => {
  const file = at('kept.pem')
  copyFileSync(server.pem, file)
  const credentials = open({ keyStore: store(file) })
  copyFileSync(other.pem, file)
  const before = credentials.context
  credentials.maybeReload()
  t.equal(credentials.context, before)
})
