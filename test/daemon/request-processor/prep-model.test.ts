// Prep and tree against a model simple enough to verify by reading: requests run one by one on an
// object that is copied before each and restored when one fails. Prep works ahead of the tree and
// decides a request while many before it are in flight; the model does not, yet every answer must
// be the same. A second tree gets the same bytes and must become equal.

import t from 'tap'
import { ZTree } from '../../../src/daemon/ztree/ztree.ts'
import { type ErrorCode, errorCodes } from '../../../src/protocol/error-codes.ts'
import {
  type Acl,
  type Id,
  noSession,
  openAcl,
  type SessionId,
} from '../../../src/protocol/records.ts'
import type { WriteOp, WriteRequest } from '../../../src/protocol/zk/messages.ts'
import { Random } from '../../../src/random.ts'
import { create, image, other, self, TreeWorld } from '../tree-world.ts'

interface ModelZnode {
  data: string | null
  version: number
  creates: number
  cversion: number
  czxid: number
  mzxid: number
  pzxid: number
  ctime: number
  mtime: number
  owner: number
  acl: readonly Acl[]
  aversion: number
  lifetime: number
}

interface Model {
  znodes: Record<string, ModelZnode>
  /** session → the server that speaks for it */
  sessions: Record<string, number>
}

class Refusal extends Error {
  readonly number: number
  constructor(code: ErrorCode) {
    super(code)
    this.number = errorCodes[code]
  }
}

const readable: readonly Acl[] = [{ perms: 1, scheme: 'world', id: 'anyone' }]

function freshModel(): Model {
  const znode = (cversion: number, version = 0, acl = openAcl): ModelZnode => ({
    data: '',
    version,
    creates: 0,
    cversion,
    czxid: 0,
    mzxid: 0,
    pzxid: 0,
    ctime: 0,
    mtime: 0,
    owner: 0,
    acl,
    aversion: version,
    lifetime: 0,
  })
  return {
    znodes: {
      '/': znode(-1),
      '/zookeeper': znode(-2),
      '/zookeeper/config': znode(0, -1, readable),
      '/zookeeper/quota': znode(0),
    },
    sessions: {},
  }
}

function copyOf({ znodes, sessions }: Model): Model {
  const copied = Object.entries(znodes).map(([path, znode]) => [path, { ...znode }])
  return { znodes: Object.fromEntries(copied), sessions: { ...sessions } }
}

function childrenOf(model: Model, path: string): string[] {
  const prefix = path === '/' ? '/' : `${path}/`
  return Object.keys(model.znodes).filter(
    (p) => p !== '/' && p.startsWith(prefix) && !p.slice(prefix.length).includes('/'),
  )
}

function statIn(model: Model, path: string): unknown {
  const znode = model.znodes[path] as ModelZnode
  const { version, cversion, aversion, czxid, mzxid, pzxid, ctime, mtime } = znode
  return {
    ...{ version, cversion, aversion, czxid, mzxid, pzxid, ctime, mtime },
    ephemeralOwner: znode.owner,
    dataLength: shownIn(model, path)?.length ?? 0,
    numChildren: childrenOf(model, path).length,
  }
}

const limited = '/a'
const limitsPath = `/zookeeper/quota${limited}/zookeeper_limits`
const statsPath = `/zookeeper/quota${limited}/zookeeper_stats`
const hardLimits = { count: 9, bytes: 12 }

function usageIn(model: Model): { count: number; bytes: number } {
  const inside = Object.keys(model.znodes).filter((p) => p === limited || p.startsWith('/a/'))
  const bytes = inside.reduce((sum, path) => sum + (model.znodes[path]?.data?.length ?? 0), 0)
  return { count: inside.length, bytes }
}

function shownIn(model: Model, path: string): string | null | undefined {
  if (path !== statsPath) return model.znodes[path]?.data
  const { count, bytes } = usageIn(model)
  return `count=${count},bytes=${bytes}`
}

function mayBit(acl: readonly Acl[], bit: number, identities: readonly Id[]): boolean {
  if (identities.some(({ scheme }) => scheme === 'super')) return true
  return acl.some(({ perms, scheme, id }) => {
    const meant = identities.some((one) => one.scheme === scheme && one.id === id)
    return (perms & bit) !== 0 && (scheme === 'world' || meant)
  })
}

/** The normalized ACL; undefined if it is not valid. */
function keptAcl(
  acl: readonly Acl[] | null | undefined,
  identities: readonly Id[],
): readonly Acl[] | undefined {
  if (acl === undefined) return openAcl
  const kept: Acl[] = []
  for (const entry of acl ?? []) {
    if (entry.scheme === 'bogus') return undefined
    const proved = identities.filter(({ scheme }) => scheme === 'digest')
    if (entry.scheme !== 'auth') kept.push(entry)
    else if (proved.length === 0) return undefined
    else for (const one of proved) kept.push({ ...one, perms: entry.perms })
  }
  const texts = kept.map((entry) => JSON.stringify(entry))
  const distinct = kept.filter((_, i) => texts.indexOf(texts[i] ?? '') === i)
  return distinct.length === 0 ? undefined : distinct
}

function isValid(path: string): boolean {
  if (path === '/') return true
  const [before, ...names] = path.split('/')
  if (before !== '' || names.length === 0 || path.includes('\0')) return false
  return names.every((name) => name !== '' && name !== '.' && name !== '..')
}

function up(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** Changes the model, or throws a Refusal, with the model possibly half changed. */
function perform(
  model: Model,
  op: WriteOp | Extract<WriteRequest, { type: 'setACL' }>,
  { session, zxid, timeMs, identities }: Context,
): unknown {
  const fail = (code: ErrorCode): never => {
    throw new Refusal(code)
  }
  const { znodes } = model
  const existing = (path: string): ModelZnode => znodes[path] ?? fail('NONODE')
  const checked = (path: string, version: number): ModelZnode => {
    const znode = existing(path)
    return version === -1 || version === znode.version ? znode : fail('BADVERSION')
  }
  const allowed = (znode: ModelZnode, bit: number): void => {
    if (!mayBit(znode.acl, bit, identities)) fail('NOAUTH')
  }
  const withinQuota = (path: string, more: { count: number; bytes: number }): void => {
    if (path !== limited && !path.startsWith('/a/')) return
    const { count, bytes } = usageIn(model)
    if (more.count !== 0 && count + more.count > hardLimits.count) fail('QUOTAEXCEEDED')
    if (more.bytes !== 0 && bytes + more.bytes > hardLimits.bytes) fail('QUOTAEXCEEDED')
  }
  const childChanged = (parent: ModelZnode): void => {
    parent.cversion++
    parent.pzxid = zxid
  }
  switch (op.type) {
    case 'create': {
      const ttl = op.mode.endsWith('Ttl')
      if (ttl !== (op.ttlMs ?? 0) > 0) fail('BADARGUMENTS')
      if (!op.path.includes('/') || op.path.includes('\0')) fail('BADARGUMENTS')
      const acl = keptAcl(op.acl, identities) ?? fail('INVALIDACL')
      const parent = existing(up(op.path))
      allowed(parent, 4)
      const number = `${parent.creates}`.padStart(10, '0')
      const path = op.mode.includes('Sequential') ? op.path + number : op.path
      if (!isValid(path)) fail('BADARGUMENTS')
      if (znodes[path] !== undefined) fail('NODEEXISTS')
      if (parent.owner !== 0) fail('NOCHILDRENFOREPHEMERALS')
      const data = op.data === null ? null : `${op.data}`
      withinQuota(path, { count: 1, bytes: data?.length ?? 0 })
      const lifetime = op.mode === 'container' ? -1 : (op.ttlMs ?? 0)
      const owner = op.mode.startsWith('ephemeral') ? session : 0
      const times = { czxid: zxid, mzxid: zxid, pzxid: zxid, ctime: timeMs, mtime: timeMs }
      znodes[path] = {
        data,
        version: 0,
        creates: 0,
        cversion: 0,
        owner,
        ...times,
        acl,
        aversion: 0,
        lifetime,
      }
      parent.creates++
      childChanged(parent)
      return { type: 'create', path, stat: statIn(model, path) }
    }
    case 'delete': {
      const reserved = ['/', '/zookeeper', '/zookeeper/config', '/zookeeper/quota']
      if (!op.path.includes('/') || op.path.includes('\0')) fail('BADARGUMENTS')
      if (reserved.includes(op.path)) fail('BADARGUMENTS')
      const parent = existing(up(op.path))
      allowed(parent, 8)
      checked(op.path, op.version)
      if (childrenOf(model, op.path).length > 0) fail('NOTEMPTY')
      delete znodes[op.path]
      childChanged(parent)
      return { type: 'delete' }
    }
    case 'setData': {
      if (!isValid(op.path)) fail('BADARGUMENTS')
      const before = existing(op.path)
      allowed(before, 2)
      const bytes = (op.data?.length ?? 0) - (before.data?.length ?? 0)
      withinQuota(op.path, { count: 0, bytes })
      const znode = checked(op.path, op.version)
      if (op.path === '/zookeeper/config') fail('BADARGUMENTS')
      znode.data = op.data === null ? null : `${op.data}`
      znode.version = znode.version + 1
      znode.mzxid = zxid
      znode.mtime = timeMs
      return { type: 'setData', stat: statIn(model, op.path) }
    }
    case 'check':
      if (!isValid(op.path)) fail('BADARGUMENTS')
      allowed(existing(op.path), 1)
      checked(op.path, op.version)
      return { type: 'check' }
    case 'setACL': {
      if (!isValid(op.path)) fail('BADARGUMENTS')
      const acl = keptAcl(op.acl, identities) ?? fail('INVALIDACL')
      const znode = existing(op.path)
      allowed(znode, 16)
      if (op.version !== -1 && op.version !== znode.aversion) fail('BADVERSION')
      znode.acl = acl
      znode.aversion++
      return { type: 'setACL', stat: statIn(model, op.path) }
    }
  }
}

function close(model: Model, session: number, zxid: number): void {
  delete model.sessions[session]
  for (const [path, { owner }] of Object.entries(model.znodes)) {
    if (owner !== session) continue
    delete model.znodes[path]
    const parent = model.znodes[up(path)]
    if (parent === undefined) continue
    parent.cversion++
    parent.pzxid = zxid
  }
}

interface Context {
  readonly session: number
  readonly origin: number
  readonly zxid: number
  readonly timeMs: number
  readonly identities: readonly Id[]
}

/** @returns the model afterwards, and the answer */
function run(model: Model, request: WriteRequest, context: Context): [Model, unknown] {
  const { session, origin, zxid } = context
  const refused = (code: ErrorCode): [Model, unknown] => [
    model,
    { type: 'error', code: errorCodes[code] },
  ]
  const after = copyOf(model)
  if (request.type === 'createSession') {
    after.sessions[zxid] = origin
    return [after, { type: 'createSession' }]
  }
  if (request.type === 'create' && request.mode.endsWith('Ttl') !== (request.ttlMs ?? 0) > 0) {
    return refused('BADARGUMENTS')
  }
  const owner = model.sessions[session]
  if (owner === undefined) return refused('SESSIONEXPIRED')
  if (owner !== origin) return refused('SESSIONMOVED')
  if (request.type === 'closeSession') {
    close(after, session, zxid)
    return [after, { type: 'closeSession' }]
  }
  if (request.type === 'reconfig') return refused('UNIMPLEMENTED')
  const ops = request.type === 'multi' ? request.ops : [request]
  const results: unknown[] = []
  for (const op of ops) {
    try {
      results.push(perform(after, op, context))
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal
      if (request.type !== 'multi') return [model, { type: 'error', code: refusal.number }]
      const at = results.length
      const code = (i: number): number => (i < at ? 0 : i === at ? refusal.number : -2)
      return [
        model,
        { type: 'multi', results: ops.map((_, i) => ({ type: 'error', code: code(i) })) },
      ]
    }
  }
  return [after, request.type === 'multi' ? { type: 'multi', results } : results[0]]
}

const names = ['a', 'b']
const badPaths = ['', 'a', '//', '/a//b', '/a/', '/x/', '/a/.', '/a/../b', '/a\0', '/a/b/']
const fixedPaths = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']
const modes = ['persistent', 'ephemeral', 'persistentSequential', 'ephemeralSequential'] as const
const mortalModes = ['container', 'persistentTtl', 'persistentSequentialTtl'] as const

const ann: Id = { scheme: 'digest', id: 'ann:h' }
const address: Id = { scheme: 'ip', id: '127.0.0.1' }
const askers: (readonly Id[])[] = [
  [address],
  [address],
  [address, ann],
  [address, ann, { scheme: 'digest', id: 'bob:h' }],
  [address, { scheme: 'super', id: '' }],
]
const anyone = { scheme: 'world', id: 'anyone' }
const acls: (readonly Acl[] | null)[] = [
  openAcl,
  readable,
  [{ ...anyone, perms: 15 }],
  [
    { ...ann, perms: 31 },
    { ...anyone, perms: 5 },
  ],
  [
    { ...ann, perms: 6 },
    { ...address, perms: 9 },
    { ...ann, perms: 6 },
  ],
  [{ scheme: 'auth', id: '', perms: 31 }],
  [{ ...anyone, perms: 0 }],
  [{ scheme: 'bogus', id: 'x', perms: 31 }],
  [],
  null,
]

function randomPath(random: Random, model: Model): string {
  const dice = random.next()
  if (dice < 0.05) return random.pick(badPaths)
  if (dice < 0.08) return random.pick(fixedPaths)
  const known = Object.keys(model.znodes).filter((path) => !path.startsWith('/zookeeper/quota/'))
  if (dice < 0.4) return random.pick(known)
  const depth = 1 + random.below(3)
  return Array.from({ length: depth }, () => `/${random.pick(names)}`).join('')
}

function randomOp(random: Random, model: Model): WriteOp {
  const path = randomPath(random, model)
  const data = random.chance(0.1) ? null : Buffer.from(`${random.below(1000)}`)
  const known = model.znodes[path]?.version ?? 0
  const version = random.pick([-1, -1, known, known, random.below(4)])
  const dice = random.next()
  if (dice < 0.4) {
    const acl = random.chance(0.3) ? random.pick(acls) : undefined
    if (dice > 0.08) return { type: 'create', path, data, mode: random.pick(modes), acl }
    const ttlMs = random.pick([0, 1000, 20_000])
    return { type: 'create', path, data, mode: random.pick(mortalModes), acl, ttlMs }
  }
  if (dice < 0.7) return { type: 'delete', path, version }
  if (dice < 0.9) return { type: 'setData', path, data, version }
  return { type: 'check', path, version }
}

function randomRequest(random: Random, model: Model): WriteRequest {
  const dice = random.next()
  if (dice < 0.03) return { type: 'createSession', timeoutMs: random.below(60_000) }
  if (dice < 0.045) return { type: 'closeSession' }
  if (dice < 0.1) {
    const path = randomPath(random, model)
    const version = random.pick([-1, model.znodes[path]?.aversion ?? 0, random.below(3)])
    return { type: 'setACL', path, acl: random.pick(acls), version }
  }
  const op = randomOp(random, model)
  if (dice < 0.7 && op.type !== 'check') return op
  const ops = Array.from({ length: random.below(5) }, () => randomOp(random, model))
  return { type: 'multi', ops: [op, ...ops] }
}

function imageOfModel({ znodes }: Model): unknown {
  return Object.keys(znodes)
    .sort()
    .map((path) => [path, znodes[path]?.data])
}

function imageOfTree(tree: ZTree, model: Model): unknown {
  const show = (path: string): unknown => {
    const data = tree.get(path)?.data
    return [path, data == null ? data : Buffer.from(data).toString()]
  }
  return Object.keys(model.znodes).sort().map(show)
}

for (const seed of [1, 2, 3]) {
  t.test(`random requests, seed ${seed}`, async (t) => {
    const random = new Random(seed)
    const w = new TreeWorld()
    const follower = new ZTree()
    let model = freshModel()
    let answers: { readonly what: string; readonly answer: unknown; readonly refused: boolean }[] =
      []
    const opened: SessionId[] = []
    let refusals = 0
    let reaped = 0
    const seen = new Set<number>()
    let lag = 0

    /** The outcome of the ensemble's own deletions. */
    const isDue = (path: string): boolean => {
      const { lifetime, creates, mtime } = model.znodes[path] as ModelZnode
      if (lifetime === 0 || childrenOf(model, path).length > 0) return false
      return lifetime < 0 ? creates > 0 : w.wallMs > mtime + lifetime + 1000
    }
    const reap = (): void => {
      const mortal = Object.keys(model.znodes).filter((p) => model.znodes[p]?.lifetime !== 0)
      const path = random.pick(random.chance(0.9) && mortal.length > 0 ? mortal : ['/', '/a', '/b'])
      if (model.znodes[path] === undefined) return
      const due = isDue(path)
      const proposal = w.deleteDue(path)
      if (proposal === undefined) {
        if (due && w.prep.outstandingCount === 0) t.fail(`${path} was due`)
        return
      }
      reaped++
      model = copyOf(model)
      delete model.znodes[path]
      const parent = model.znodes[up(path)] as ModelZnode
      parent.cversion++
      parent.pzxid = proposal.zxid
      answers.push({ what: `reap ${path}`, answer: { type: 'delete' }, refused: false })
    }

    const note = (request: WriteRequest, session: SessionId, origin = self): void => {
      const proposal = w.propose(session, request, origin)
      const { zxid, txn } = proposal
      const { identities } = w
      const asked = { session, origin, zxid, timeMs: txn.timeMs, identities }
      const [after, answer] = run(model, request, asked)
      model = after
      const refused = txn.body.type === 'error'
      answers.push({ what: JSON.stringify({ request, ...asked }), answer, refused })
      if (request.type === 'createSession') opened.push(zxid as number as SessionId)
    }
    const applyOne = (): void => {
      const proposal = w.proposals[0]
      const expected = answers.shift()
      if (proposal === undefined || expected === undefined) return
      follower.apply(proposal.zxid, proposal.txn, [])
      const before = expected.refused && random.chance(0.3) ? image(w.tree) : undefined
      const eventCount = w.events.length
      const answer = w.applyNext()
      if (answer.type === 'error') seen.add(answer.code)
      if (JSON.stringify(sorted(answer)) !== JSON.stringify(sorted(expected.answer))) {
        t.same(answer, expected.answer, expected.what)
      }
      if (before === undefined) return
      refusals++
      const { zxid: lastApplied } = proposal
      if (JSON.stringify(image(w.tree)) !== JSON.stringify({ ...before, lastApplied })) {
        t.fail(`a refusal changed the tree: ${expected.what}`)
      }
      if (w.events.length !== eventCount) t.fail(`a refusal fired watches: ${expected.what}`)
    }

    note({ type: 'createSession', timeoutMs: 5000 }, noSession)
    while (w.proposals.length > 0) applyOne()
    w.identities = [{ scheme: 'super', id: '' }]
    const limits = `count=-1,bytes=-1=;byteHardLimit=${hardLimits.bytes};countHardLimit=${hardLimits.count}`
    for (const [path, data] of [
      ['/zookeeper/quota/a', ''],
      [limitsPath, limits],
      [statsPath, 'count=0,bytes=0'],
    ] as const) {
      note(create(path, data), opened[0] ?? noSession)
      while (w.proposals.length > 0) applyOne()
    }
    for (let step = 0; step < 3500; step++) {
      w.identities = random.pick(askers)
      if (random.chance(0.2)) reap()
      if (random.chance(0.01)) w.wallMs += 5000
      const live = opened.filter((id) => w.sessions.has(id))
      if (live.length < 2) note({ type: 'createSession', timeoutMs: 5000 }, noSession)
      const session = random.pick(
        random.chance(0.1) ? [noSession, ...opened] : live.length > 0 ? live : opened,
      )
      const owner = w.sessions.owner(session) ?? self
      const dice = random.next()
      if (dice < 0.02 && w.sessions.has(session)) {
        const to = random.pick([self, other])
        const password = new Uint8Array(16).fill(7)
        t.ok(w.prep.attach({ session, password, owner: to, nowMs: 0 }))
        model.sessions[session] = to
      } else if (dice < 0.025 && w.sessions.has(session)) {
        w.sessions.remove(session) // as `expire` does
        const { zxid } = w.expire(session)
        model = copyOf(model)
        close(model, session, zxid)
        answers.push({ what: 'expiry', answer: { type: 'closeSession' }, refused: false })
      } else {
        const request = randomRequest(random, model)
        const id = request.type === 'createSession' ? noSession : session
        note(request, id, random.chance(0.02) ? other : owner)
      }
      // How far the tree lags behind changes now and then: not at all, or many proposals.
      if (random.chance(0.02)) lag = random.pick([0, 1, 5, 40])
      while (w.proposals.length > lag) applyOne()
    }
    while (w.proposals.length > 0) applyOne()
    answers = []

    t.ok(refusals > 100, `${refusals} refusals looked at`)
    t.ok(reaped > 3, `${reaped} znodes deleted by the ensemble`)
    const reasons = ['NOAUTH', 'INVALIDACL', 'QUOTAEXCEEDED'] as const
    for (const reason of reasons) t.ok(seen.has(errorCodes[reason]), `${reason} was met`)
    t.equal(w.prep.outstandingCount, 0)
    t.equal(w.tree.nodeCount, Object.keys(model.znodes).length)
    t.same(imageOfTree(w.tree, model), imageOfModel(model))
    for (const path of Object.keys(model.znodes)) {
      const znode = w.tree.get(path)
      const stat = znode && w.tree.stat(znode)
      if (JSON.stringify(sorted(stat)) !== JSON.stringify(sorted(statIn(model, path)))) {
        t.same(stat, statIn(model, path), path)
      }
      const { acl, lifetime } = model.znodes[path] as ModelZnode
      const kept = znode && { acl: w.tree.acl(znode), lifetime: znode.lifetime }
      if (JSON.stringify(sorted(kept)) !== JSON.stringify(sorted({ acl, lifetime }))) {
        t.same(kept, { acl, lifetime }, path)
      }
    }
    t.same([...w.tree.sessions.keys()].map(String).sort(), Object.keys(model.sessions).sort())
    t.same(image(follower), image(w.tree), 'another server has the same tree')
  })
}

/** The same value with its keys in order, so that two of them compare as text. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  )
}
