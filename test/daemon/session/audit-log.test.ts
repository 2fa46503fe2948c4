import t from 'tap'
import { AuditLog } from '../../../src/daemon/session/audit-log.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import type { Id, SessionId, Stat } from '../../../src/protocol/records.ts'
import type { WriteRequest } from '../../../src/protocol/zk/messages.ts'

const stat = {} as Stat
const ip: Id = { scheme: 'ip', id: '10.0.0.7' }

function audit(): { log: AuditLog; lines: string[] } {
  const lines: string[] = []
  return { log: new AuditLog({ line: (text) => lines.push(text) }, 'root'), lines }
}

/** The lines for a request with this result, of session 5. */
function linesOf(
  request: WriteRequest,
  result: Parameters<AuditLog['applied']>[1],
  identities: readonly Id[] = [ip],
): string[] {
  const { log, lines } = audit()
  log.asked(1, { session: 5 as SessionId, identities }, request)
  log.applied(1, result)
  return lines
}

const asker = 'session=0x5\tuser=10.0.0.7\tip=10.0.0.7\t'
const noNode = { type: 'error', code: errorCodes.NONODE } as const

const cases: readonly {
  name: string
  request: WriteRequest
  result: Parameters<AuditLog['applied']>[1]
  want: readonly string[]
}[] = [
  {
    name: 'create',
    request: { type: 'create', path: '/a', data: null, mode: 'persistent' },
    result: { type: 'create', path: '/a', stat },
    want: ['operation=create\tznode=/a\tznode_type=persistent\tresult=success'],
  },
  {
    name: 'a sequential create, by the name that it was given',
    request: { type: 'create', path: '/a-', data: null, mode: 'ephemeralSequential' },
    result: { type: 'create', path: '/a-0000000007', stat },
    want: [
      'operation=create\tznode=/a-0000000007\tznode_type=ephemeral_sequential\tresult=success',
    ],
  },
  {
    name: 'a create that fails, by the name that was asked for',
    request: { type: 'create', path: '/x/a', data: null, mode: 'container' },
    result: noNode,
    want: ['operation=create\tznode=/x/a\tznode_type=container\tresult=failure'],
  },
  {
    name: 'a create of an unknown mode',
    request: { type: 'create', path: '/a', data: null, mode: 'unknown' },
    result: { type: 'error', code: errorCodes.BADARGUMENTS },
    want: ['operation=create\tznode=/a\tznode_type=unknown\tresult=failure'],
  },
  {
    name: 'delete',
    request: { type: 'delete', path: '/a', version: -1 },
    result: { type: 'delete' },
    want: ['operation=delete\tznode=/a\tresult=success'],
  },
  {
    name: 'setData',
    request: { type: 'setData', path: '/a', data: Buffer.from('secret'), version: 3 },
    result: noNode,
    want: ['operation=setData\tznode=/a\tresult=failure'],
  },
  {
    name: 'setACL, without the hash of a password',
    request: {
      ...{ type: 'setACL', path: '/a', version: -1 },
      acl: [
        { perms: 31, scheme: 'digest', id: 'ann:c2VjcmV0' },
        { perms: 1, scheme: 'world', id: 'anyone' },
      ],
    },
    result: { type: 'setACL', stat },
    want: ['operation=setAcl\tznode=/a\tacl=digest:ann:x:cdrwaworld:anyone:r\tresult=success'],
  },
  {
    name: 'setACL without a list',
    request: { type: 'setACL', path: '/a', acl: null, version: -1 },
    result: { type: 'error', code: errorCodes.INVALIDACL },
    want: ['operation=setAcl\tznode=/a\tacl=\tresult=failure'],
  },
  {
    name: 'a multi, part by part, without its checks',
    request: {
      type: 'multi',
      ops: [
        { type: 'check', path: '/c', version: 1 },
        { type: 'create', path: '/a-', data: null, mode: 'persistentSequential' },
        { type: 'setData', path: '/b', data: null, version: -1 },
        { type: 'delete', path: '/d', version: -1 },
      ],
    },
    result: {
      type: 'multi',
      results: [
        { type: 'check' },
        { type: 'create', path: '/a-0000000001', stat },
        { type: 'setData', stat },
        { type: 'delete' },
      ],
    },
    want: [
      'operation=create\tznode=/a-0000000001\tznode_type=persistent_sequential\tresult=success',
      'operation=setData\tznode=/b\tresult=success',
      'operation=delete\tznode=/d\tresult=success',
    ],
  },
  {
    name: 'a multi that fails, as one operation',
    request: { type: 'multi', ops: [{ type: 'delete', path: '/d', version: -1 }] },
    result: noNode,
    want: ['operation=multiOperation\tresult=failure'],
  },
  {
    name: 'a session changes no znode',
    request: { type: 'closeSession' },
    result: { type: 'closeSession' },
    want: [],
  },
]
for (const { name, request, result, want } of cases) {
  t.test(`audited: ${name}`, async (t) => {
    t.same(
      linesOf(request, result),
      want.map((line) => asker + line),
    )
  })
}

const remove: WriteRequest = { type: 'delete', path: '/a', version: -1 }

t.test('every name that a client has proved is its user, without the proof', async (t) => {
  const identities: Id[] = [
    ip,
    { scheme: 'super', id: '' },
    { scheme: 'digest', id: 'ann:c2VjcmV0' },
    { scheme: 'sasl', id: 'bob' },
    { scheme: 'x509', id: 'CN=eve' },
  ]
  const [line] = linesOf(remove, { type: 'delete' }, identities)
  t.equal(
    line,
    'session=0x5\tuser=10.0.0.7,ann,bob,CN=eve\tip=10.0.0.7\toperation=delete\tznode=/a\tresult=success',
  )
})

t.test('text of clients begins no field and no line', async (t) => {
  const path = '/a\tresult=success\n\u2028\u0085\u202e\\'
  const identities = [ip, { scheme: 'digest', id: 'ann\tuser=root\r\n:hash' }]
  const [line = '', more] = linesOf({ type: 'delete', path, version: -1 }, noNode, identities)
  t.equal(more, undefined)
  t.equal(
    line,
    'session=0x5\tuser=10.0.0.7,ann\\u{9}user=root\\u{d}\\u{a}\tip=10.0.0.7\toperation=delete\t' +
      'znode=/a\\u{9}result=success\\u{a}\\u{2028}\\u{85}\\u{202e}\\\\\tresult=failure',
  )
})

t.test('what the server does by itself is done by the user who runs it', async (t) => {
  const { log, lines } = audit()
  log.serverStarted()
  log.ephemeralsDeleted(9 as SessionId, ['/e', '/f'])
  log.serverStops()
  const deleted = 'operation=ephemeralZNodeDeletionOnSessionCloseOrExpire'
  t.same(lines, [
    'user=root\toperation=serverStart\tresult=success',
    `session=0x9\tuser=root\t${deleted}\tznode=/e\tresult=success`,
    `session=0x9\tuser=root\t${deleted}\tznode=/f\tresult=success`,
    'user=root\toperation=serverStop\tresult=invoked',
  ])
})

t.test(
  'a transaction of another server is not audited here, and one is audited once',
  async (t) => {
    const { log, lines } = audit()
    log.applied(1, { type: 'delete' })
    log.asked(1, { session: 5 as SessionId, identities: [ip] }, remove)
    log.applied(1, { type: 'delete' })
    log.applied(1, { type: 'delete' })
    log.asked(2, { session: 5 as SessionId, identities: [ip] }, remove)
    log.forget()
    log.applied(2, { type: 'delete' })
    t.equal(lines.length, 1)
  },
)
