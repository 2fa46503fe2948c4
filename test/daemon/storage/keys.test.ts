import t from 'tap'
import { metaKey, parseKey, StoreCodec, sessionKey } from '../../../src/daemon/storage/keys.ts'
import { EntryReader, encodeEntries } from '../../../src/daemon/storage/tree-entries.ts'
import type { ZnodeFields } from '../../../src/daemon/ztree/znode.ts'
import { openAcl, type SessionId } from '../../../src/protocol/records.ts'
import { epochMax, makeZxid } from '../../../src/protocol/zxid.ts'

function entryOf(key: string, value: string): EntryReader {
  const entry = new EntryReader(encodeEntries([[key, value]]))
  entry.next()
  return entry
}

const highest = makeZxid({ epoch: epochMax, counter: 2 ** 32 - 1 })

for (const { key, want } of [
  { key: metaKey, want: { type: 'meta' } },
  { key: '/', want: { type: 'znode', path: '/' } },
  { key: '/a/b', want: { type: 'znode', path: '/a/b' } },
  { key: 's00000100000001', want: { type: 'session', session: 2 ** 32 + 1 } },
  { key: sessionKey(highest as number as SessionId), want: { type: 'session', session: highest } },
  { key: '', want: undefined },
  { key: 's1', want: undefined },
  { key: 's0000010000000g', want: undefined },
  { key: 'x/a', want: undefined },
]) {
  t.test(`the key '${key}' is ${want?.type ?? 'none of ours'}`, async (t) => {
    t.same(parseKey(key), want)
  })
}

t.test('in key order meta is first, parents precede children, and sessions are last', async (t) => {
  const keys = [sessionKey(1 as SessionId), '/a/b', '/', '/a', metaKey, '/a!', '/é', '/a/b/c']
  // LevelDB compares bytes.
  keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  t.same(keys, [metaKey, '/', '/a', '/a!', '/a/b', '/a/b/c', '/é', sessionKey(1 as SessionId)])
})

const extremes: ZnodeFields = {
  data: null,
  czxid: highest,
  ctime: Number.MAX_SAFE_INTEGER,
  mzxid: highest,
  mtime: 0,
  pzxid: highest,
  version: -(2 ** 31),
  createCount: 2 ** 31 - 1,
  ephemeralOwner: highest as number as SessionId,
  acl: openAcl,
  aversion: 0,
  lifetime: 0,
}
for (const data of [null, Buffer.alloc(0), Buffer.from([0, 0xff]), Buffer.alloc(70_000, 0xe4)]) {
  t.test(`a znode of ${data?.length ?? 'no'} bytes survives encoding and decoding`, async (t) => {
    const codec = new StoreCodec()
    const value = codec.encodeZnode('/é', { ...extremes, data })
    t.same(codec.decodeZnode(entryOf('/é', value)), { ...extremes, data })
    for (let length = 0; length < Math.min(value.length, 100); length++) {
      if (codec.decodeZnode(entryOf('/é', value.slice(0, length))) !== undefined)
        t.fail(`cut at ${length}`)
    }
    t.equal(codec.decodeZnode(entryOf('/e', value)), undefined, 'under another key')
  })
}

const acl = [
  { perms: 31, scheme: 'digest', id: 'ann:é' },
  { perms: -1, scheme: 'ip', id: '10.0.0.0/8' },
]
for (const more of [
  { acl },
  { aversion: -(2 ** 31) },
  { lifetime: -1 },
  { lifetime: 2 ** 40 - 1 },
  { acl: [], aversion: 7, lifetime: 1 },
]) {
  t.test(`a znode with ${JSON.stringify(more)} survives encoding and decoding`, async (t) => {
    const codec = new StoreCodec()
    for (const data of [null, Buffer.alloc(0), Buffer.from([0, 0xff])]) {
      const value = codec.encodeZnode('/é', { ...extremes, ...more, data })
      t.same(codec.decodeZnode(entryOf('/é', value)), { ...extremes, ...more, data })
      for (let length = 0; length < value.length; length++) {
        if (codec.decodeZnode(entryOf('/é', value.slice(0, length))) !== undefined)
          t.fail(`cut at ${length}`)
      }
    }
  })
}

t.test(
  'an open list is read as the one list, any other as one object for many znodes',
  async (t) => {
    const codec = new StoreCodec()
    const open = codec.encodeZnode('/a', extremes)
    const closed = codec.encodeZnode('/a', { ...extremes, acl })
    t.equal(closed.length - open.length > 16, true, 'an open one takes no space')
    t.equal(codec.decodeZnode(entryOf('/a', open))?.acl, openAcl)
    t.equal(
      codec.decodeZnode(entryOf('/a', closed))?.acl,
      codec.decodeZnode(entryOf('/a', closed))?.acl,
    )
  },
)

t.test('meta and sessions survive encoding and decoding', async (t) => {
  const codec = new StoreCodec()
  const meta = {
    lastApplied: highest,
    znodeCount: 2 ** 32 - 1,
    sessionCount: 0,
    digest: { high: 2 ** 32 - 1, low: 1 },
  }
  const written = codec.encodeMeta(meta)
  t.same(codec.decodeMeta(entryOf(metaKey, written)), meta)
  t.equal(codec.decodeMeta(entryOf(metaKey, written.slice(0, -1))), undefined)
  const key = sessionKey(5 as SessionId)
  const session = { timeoutMs: 40_000, password: Uint8Array.from({ length: 16 }, (_, i) => i * 17) }
  const value = codec.encodeSession(key, session)
  t.same(codec.decodeSession(entryOf(key, value)), session)
  t.equal(codec.decodeSession(entryOf(sessionKey(6 as SessionId), value)), undefined)
  t.equal(codec.decodeSession(entryOf(key, value.slice(0, 7))), undefined)
})
