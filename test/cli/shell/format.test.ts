import t from 'tap'
import {
  formatDate,
  formatError,
  formatEvent,
  formatHexdump,
  formatStat,
} from '../../../src/cli/shell/format.ts'
import { type ErrorCode, ZkError } from '../../../src/protocol/error-codes.ts'
import type { SessionId } from '../../../src/protocol/records.ts'
import type { Zxid } from '../../../src/protocol/zxid.ts'

t.test('a Stat is printed as zkCli does', async (t) => {
  const text = formatStat({
    czxid: 0x100000002 as Zxid,
    mzxid: 0x100000003 as Zxid,
    pzxid: 0x100000004 as Zxid,
    ctime: 0,
    mtime: 0,
    version: 5,
    cversion: -1,
    aversion: 0,
    ephemeralOwner: 0x100000001 as SessionId,
    dataLength: 7,
    numChildren: 2,
  })
  t.same(text.replaceAll(/time = .*/g, 'time').split('\n'), [
    'cZxid = 0x100000002',
    'ctime',
    'mZxid = 0x100000003',
    'mtime',
    'pZxid = 0x100000004',
    'cversion = -1',
    'dataVersion = 5',
    'aclVersion = 0',
    'ephemeralOwner = 0x100000001',
    'dataLength = 7',
    'numChildren = 2',
  ])
})

t.test("a date is printed as Java's Date does", async (t) => {
  t.match(formatDate(1_700_000_000_000), /^Tue Nov 14 \d\d:\d\d:20 \S+ 2023$|^Wed Nov 15 .* 2023$/)
})

const errors: [ErrorCode, string | undefined, string][] = [
  ['NONODE', '/a', 'Node does not exist: /a'],
  ['NODEEXISTS', '/a', 'Node already exists: /a'],
  ['NOTEMPTY', '/a', 'Node not empty: /a'],
  ['BADVERSION', '/a', 'version No is not valid : /a'],
  ['NOCHILDRENFOREPHEMERALS', '/a', 'Ephemerals cannot have children: /a'],
  [
    'CONNECTIONLOSS',
    '/a',
    'KeeperErrorCode = ConnectionLoss for /a: the connection was lost before the answer came, so the outcome is unknown',
  ],
  [
    'SESSIONEXPIRED',
    undefined,
    'KeeperErrorCode = Session expired: the session has ended; connect starts a new one',
  ],
  ['NOWATCHER', '/a', 'KeeperErrorCode = No such watcher for /a: the watch does not exist'],
  ['SYSTEMERROR', '/a', 'KeeperErrorCode = SYSTEMERROR for /a: the server had an internal error'],
  ['NONODE', '/a\nb', 'Node does not exist: /a\\nb'],
  ['BADARGUMENTS', 'a', 'the sentence'],
]
for (const [code, path, want] of errors) {
  t.test(`${code} is printed as '${want}'`, async (t) => {
    t.equal(formatError(new ZkError(code, path, 'the sentence')), want)
  })
}

t.test('an event is printed as zkCli does', async (t) => {
  t.equal(
    formatEvent({ type: 'NodeDeleted', path: '/a', zxid: 9 as Zxid }),
    '\nWATCHER::\n\nWatchedEvent state:SyncConnected type:NodeDeleted path:/a zxid: 9',
  )
})

t.test('a hexdump has sixteen bytes per line', async (t) => {
  t.same(formatHexdump(Buffer.from('0123456789abcdef\n~\x00')).split('\n'), [
    '00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  |0123456789abcdef|',
    '00000010  0a 7e 00                                         |.~.|',
  ])
})
