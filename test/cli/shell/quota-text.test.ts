import t, { type Test } from 'tap'
import {
  formatLimits,
  parseQuota,
  quotaWarnings,
  unlimited,
} from '../../../src/cli/shell/quota-text.ts'
import { parentOf } from '../../../src/protocol/path.ts'
import type { ReplyBody, Request } from '../../../src/protocol/zk/messages.ts'
import { plainAnswer, someStat } from '../../client/zk/fake-server.ts'
import { type Scene, shellAt } from './shell-scene.ts'

/** A shell connected to a server that keeps a tree without statistics or versions. */
async function shellAtTree(t: Test, chroot = ''): Promise<Scene & { tree: Map<string, string> }> {
  const paths = ['/', '/a', '/a/b', '/a/b/c', '/d', '/zookeeper', '/zookeeper/quota']
  const tree = new Map(paths.map((path) => [path, '']))
  const script = {
    request: (
      connection: { reply(xid: number, zxid: number, body: ReplyBody): void },
      xid: number,
      request: Request,
    ) => connection.reply(xid, 1, answer(tree, request)),
  }
  return { tree, ...(await shellAt(t, script, { chroot })) }
}

function answer(tree: Map<string, string>, request: Request): ReplyBody {
  if (!('path' in request)) return plainAnswer(request)
  const { path } = request
  const below = [...tree.keys()].filter((one) => one !== '/' && parentOf(one) === path)
  if (request.type === 'create') {
    if (tree.has(path)) return { type: 'error', code: -110 }
    if (!tree.has(parentOf(path))) return { type: 'error', code: -101 }
    tree.set(path, Buffer.from(request.data ?? []).toString())
    return plainAnswer(request)
  }
  if (!tree.has(path)) return { type: 'error', code: -101 }
  switch (request.type) {
    case 'setData':
      tree.set(path, Buffer.from(request.data ?? []).toString())
      return plainAnswer(request)
    case 'delete':
      if (below.length > 0) return { type: 'error', code: -111 }
      tree.delete(path)
      return plainAnswer(request)
    case 'getData':
      return { type: 'getData', data: Buffer.from(tree.get(path) ?? ''), stat: someStat }
    case 'getChildren': {
      const children = below.map((one) => one.slice(one.lastIndexOf('/') + 1))
      return { type: 'getChildren', children, stat: someStat }
    }
    default:
      return plainAnswer(request)
  }
}

const limitsOfB = '/zookeeper/quota/a/b/zookeeper_limits'
const statsOfB = '/zookeeper/quota/a/b/zookeeper_stats'

t.test('a quota is stored as by zkCli, listed, changed and deleted', async (t) => {
  const { tree, run } = await shellAtTree(t)
  const before = [...tree]
  t.same(await run('setquota -n 5 /a/b'), { outcome: 0, out: '', err: '' })
  t.equal(tree.get(limitsOfB), 'count=5,bytes=-1=;byteHardLimit=-1;countHardLimit=-1')
  t.equal(tree.get(statsOfB), 'count=0,bytes=0')
  await run('setquota -B 100 /a/b')
  t.equal(tree.get(limitsOfB), 'count=5,bytes=-1=;byteHardLimit=100;countHardLimit=-1')
  t.same(await run('listquota /a/b'), {
    outcome: 0,
    out:
      `absolute path is ${limitsOfB}\n` +
      'Output quota for /a/b count=5,bytes=-1=;byteHardLimit=100;countHardLimit=-1\n' +
      'Output stat for /a/b count=0,bytes=0\n',
    err: '',
  })
  await run('delquota -n /a/b')
  t.equal(tree.get(limitsOfB), 'count=-1,bytes=-1=;byteHardLimit=100;countHardLimit=-1')
  t.same(await run('delquota /a/b'), { outcome: 0, out: '', err: '' })
  t.same([...tree], before, 'the quota is gone')
})

t.test('one quota above or below another is refused', async (t) => {
  const { run, tree } = await shellAtTree(t)
  await run('setquota -n 5 /a/b')
  const found = [...tree]
  t.match(await run('setquota -n 5 /a'), {
    outcome: 1,
    err: '/a has a child /a/b which has a quota\n',
  })
  t.match(await run('setquota -n 5 /a/b/c'), {
    outcome: 1,
    err: '/a/b/c has a parent /a/b which has a quota\n',
  })
  t.same([...tree], found)
  t.match(await run('setquota -n 5 /d'), { outcome: 0 })
  await run('delquota /a/b')
  t.ok(tree.has('/zookeeper/quota/d/zookeeper_limits'), 'another quota remains')
})

t.test('a quota below current usage is set with a warning', async (t) => {
  const { run, tree } = await shellAtTree(t)
  await run('setquota -n 5 /a/b')
  tree.set(statsOfB, 'count=9,bytes=300')
  t.same((await run('setquota -b 200 /a/b')).out.split('\n'), [
    '[Warning]: the count quota you create is less than the existing count:9',
    '[Warning]: the bytes quota you create is less than the existing bytes:300',
    '',
  ])
})

t.test('quotas are refused under a chroot', async (t) => {
  const { run } = await shellAtTree(t, '/a')
  t.match(await run('setquota -n 5 /b'), { outcome: 2, err: /without a chroot/ })
})

const texts = [
  { text: '', want: {} },
  { text: 'count=5,bytes=7', want: { count: 5, bytes: 7 } },
  { text: 'count=,bytes=7', want: { bytes: 7 } },
  {
    text: 'count=5,bytes=-1=;byteHardLimit=8;countHardLimit=9',
    want: { count: 5, byteHardLimit: 8, countHardLimit: 9 },
  },
]
for (const { text, want } of texts) {
  t.test(`'${text}' limits as ${JSON.stringify(want)}`, async (t) => {
    t.same(parseQuota(text), { ...unlimited, ...want })
    t.same(parseQuota(formatLimits(parseQuota(text))), parseQuota(text))
  })
}

t.test('only exceeded limits warn', async (t) => {
  t.same(quotaWarnings(unlimited, { ...unlimited, count: 5, bytes: 5 }), [])
  t.same(quotaWarnings({ ...unlimited, count: 5 }, { ...unlimited, count: 5 }), [])
  t.equal(quotaWarnings({ ...unlimited, countHardLimit: 4 }, { ...unlimited, count: 5 }).length, 1)
})
