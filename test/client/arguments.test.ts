import { runInNewContext } from 'node:vm'
import t from 'tap'
import {
  bytes,
  bytesOrNull,
  having,
  listOf,
  Misfit,
  method,
  millisecondsOrForever,
  oneOf,
  optional,
  record,
  secretBytes,
  text,
  wholeNumber,
} from '../../src/client/arguments.ts'

const version = wholeNumber(-1, 10)
const options = record({
  mode: optional(oneOf(['ephemeral', 'persistent'])),
  ttlMs: optional(text),
})

const refused = [
  { kind: version, value: Number.NaN, says: 'is NaN; allowed: a whole number from -1 to 10' },
  { kind: version, value: 1.5, says: 'is 1.5' },
  { kind: version, value: 11, says: 'is 11' },
  { kind: version, value: '1', says: "is '1'" },
  { kind: version, value: undefined, says: 'is missing' },
  { kind: version, value: null, says: 'is null' },
  { kind: millisecondsOrForever, value: Number.NEGATIVE_INFINITY, says: 'is -Infinity' },
  { kind: millisecondsOrForever, value: 2 ** 31, says: 'or Infinity' },
  { kind: bytesOrNull, value: 5, says: 'is 5; allowed: a Buffer, a Uint8Array, a string or null' },
  { kind: bytesOrNull, value: { a: 1 }, says: 'is { a: 1 }' },
  { kind: bytesOrNull, value: [1, 2], says: 'is [ 1, 2 ]' },
  { kind: bytesOrNull, value: new ArrayBuffer(2), says: 'is [ArrayBuffer]' },
  { kind: bytesOrNull, value: [1, 2, 3, 4], says: 'is [Array of 4]' },
  { kind: bytesOrNull, value: new Date(0), says: 'is [Date]' },
  { kind: version, value: Buffer.alloc(3), says: 'is [Buffer of 3 bytes]' },
  { kind: version, value: 'x'.repeat(100), says: `is '${'x'.repeat(60)}'…` },
  { kind: version, value: '\u001b[31m', says: "is '\\x1B[31m'" },
  {
    kind: version,
    value: { a: [1], b: {}, c: 'd', e: 1 },
    says: "{ a: [Array of 1], b: {}, c: 'd', … }",
  },
  { kind: bytes, value: null, says: 'is null; allowed: a Buffer, a Uint8Array or a string' },
  { kind: options, value: { mode: 'ephemral' }, says: "did you mean 'ephemeral'?" },
  { kind: options, value: { mod: 'ephemeral' }, says: "a field 'mod'; allowed: mode, ttlMs; did" },
  { kind: options, value: { ttl: '1' }, says: "did you mean 'ttlMs'?" },
  { kind: options, value: [], says: 'allowed: an object' },
  { kind: options, value: 'ephemeral', says: "is 'ephemeral'; allowed: an object" },
  { kind: listOf(version), value: [0, 1, 'x'], says: "it[2] is 'x'" },
  { kind: listOf(version), value: new Array(2 ** 32 - 1), says: 'it[0] is missing' },
  { kind: listOf(options), value: [{ mode: 7 }], says: 'it[0].mode is 7' },
  { kind: having<{ send(): void }>('a part', 'send'), value: 1, says: 'it has no method send' },
]
for (const { kind, value, says } of refused) {
  t.test(`a value is refused with the reason: ${says}`, async (t) => {
    const { take } = method('try', { it: kind })
    t.throws(() => take([value]), { name: 'Misfit', message: new RegExp(escaped(says)) })
  })
}

function escaped(words: string): string {
  return words.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

t.test('bytes are taken from any Uint8Array, without a copy', async (t) => {
  const shared = new ArrayBuffer(8)
  const view = new Uint8Array(shared, 2, 3)
  view.set([1, 2, 3])
  const taken = bytes(view, 'it')
  t.same(taken, Buffer.of(1, 2, 3))
  t.equal(taken.buffer, shared)
  t.same(bytes(runInNewContext('Uint8Array.of(7)'), 'it'), Buffer.of(7), 'of another realm')
  t.same(bytes('é', 'it'), Buffer.from('é'))
})

t.test('a secret is not in the message that refuses it', async (t) => {
  t.throws(() => secretBytes({ password: 'hush' }, 'credential'), {
    message: 'credential is of type object; allowed: a Buffer, a Uint8Array or a string',
  })
})

t.test('a value that cannot even be read is refused like any other', async (t) => {
  const trap = {
    get mode(): string {
      throw new Error('boo')
    },
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const detached = new Uint8Array(4)
  structuredClone(detached, { transfer: [detached.buffer] })
  const { take } = method('try', { first: optional(text), it: options })
  for (const value of [trap, revoked]) {
    t.throws(() => take(['', value]), { name: 'Misfit', message: /^it / })
  }
  const { take: takeBytes } = method('try', { data: bytes })
  t.throws(() => takeBytes([detached]), { name: 'Misfit', message: /^data / })
})

t.test('the checked value is used, even if the caller changes it later', async (t) => {
  const given = { list: [{ mode: 'ephemeral' }] }
  const { take } = method('try', { it: record({ list: listOf(options) }) })
  const { it } = take([given])
  given.list.push({ mode: 'nonsense' })
  Object.assign(given.list[0] ?? {}, { mode: 'nonsense' })
  t.same(it, { list: [{ mode: 'ephemeral', ttlMs: undefined }] })
})

t.test('a large value is refused as fast as a small one', async (t) => {
  const { take } = method('try', { it: options })
  const large = [
    Buffer.alloc(5_000_000),
    new Array(5_000_000).fill(0),
    Object('x'.repeat(5_000_000)),
  ]
  const beganMs = performance.now()
  for (const value of large) t.throws(() => take([value]), { name: 'Misfit' })
  t.ok(performance.now() - beganMs < 500)
})

t.test('a message stays short, and on one line', async (t) => {
  const { take } = method('try', { it: text })
  const long = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [`field${i}`, '\n'.repeat(99)]),
  )
  const caught = (value: unknown) => {
    try {
      take([value])
    } catch (error) {
      return error as Error
    }
    return new Error('nothing was thrown')
  }
  for (const value of [long, new Error('a\nb'), ['x'.repeat(10_000)]]) {
    const { message } = caught(value)
    t.type(caught(value), Misfit)
    t.ok(message.length < 200, message)
    t.notMatch(message, /\n/)
  }
})
