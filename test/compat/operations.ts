// One table of operations; real-zookeeper.test.ts compares ZooKeeper's answers with ours. Each row
// has its own znode, `at`. Connections a, b, c, d open automatically, each at another server.

import { createHash } from 'node:crypto'
import type { AclEntry, Request } from './jute-connection.ts'
import type { Attach, ConnectionName, Operation, Step } from './transcript.ts'

/** The super user of both ensembles. */
export const superUser = {
  credential: 'super:secret',
  digest: digestOf('super', 'secret'),
} as const

export function digestOf(user: string, password: string): string {
  const hash = createHash('sha1').update(`${user}:${password}`).digest('base64')
  return `${user}:${hash}`
}

// --- how rows are written ------------------------------------------------------------------------

const open: readonly AclEntry[] = [{ perms: 31, scheme: 'world', id: 'anyone' }]

interface CreateOptions {
  readonly data?: string | null
  readonly acl?: readonly AclEntry[] | null
  readonly flags?: number
}

function createWith(op: 'create' | 'create2' | 'createContainer') {
  return (path: string | null, { data = '', acl = open, flags }: CreateOptions = {}): Request => ({
    op,
    fields: { path, data, acl, flags: flags ?? (op === 'createContainer' ? 4 : 0) },
  })
}

const create = createWith('create')
const create2 = createWith('create2')
const createContainer = createWith('createContainer')

function createTTL(path: string, ttl: number, flags = 5): Request {
  return { op: 'createTTL', fields: { path, data: '', acl: open, flags, ttl } }
}

function read(op: 'exists' | 'getData' | 'getChildren' | 'getChildren2') {
  return (path: string | null, watch = false): Request => ({ op, fields: { path, watch } })
}

const exists = read('exists')
const getData = read('getData')
const getChildren = read('getChildren')
const getChildren2 = read('getChildren2')

function setData(path: string | null, data: string | null = '', version = -1): Request {
  return { op: 'setData', fields: { path, data, version } }
}

function remove(path: string | null, version = -1): Request {
  return { op: 'delete', fields: { path, version } }
}

function check(path: string | null, version = -1): Request {
  return { op: 'check', fields: { path, version } }
}

function getACL(path: string | null): Request {
  return { op: 'getACL', fields: { path } }
}

function setACL(path: string | null, acl: readonly AclEntry[] | null, version = -1): Request {
  return { op: 'setACL', fields: { path, acl, version } }
}

function multi(...ops: readonly Request[]): Request {
  return { op: 'multi', fields: { ops } }
}

function multiRead(...ops: readonly Request[]): Request {
  return { op: 'multiRead', fields: { ops } }
}

function auth(scheme: string | null, credential: string | null): Request {
  return { op: 'auth', fields: { type: 0, scheme, auth: credential }, xid: -4 }
}

function sync(path: string | null): Request {
  return { op: 'sync', fields: { path } }
}

function getEphemerals(prefix: string | null): Request {
  return { op: 'getEphemerals', fields: { prefix } }
}

function getAllChildrenNumber(path: string | null): Request {
  return { op: 'getAllChildrenNumber', fields: { path } }
}

function addWatch(path: string | null, mode: 0 | 1 | 7): Request {
  return { op: 'addWatch', fields: { path, mode } }
}

/** Children 1, Data 2, Any 3, Persistent 4, PersistentRecursive 5 */
function removeWatches(path: string | null, type: number): Request {
  return { op: 'removeWatches', fields: { path, type } }
}

function checkWatches(path: string | null, type: number): Request {
  return { op: 'checkWatches', fields: { path, type } }
}

interface Lists {
  readonly relativeZxid?: number
  readonly data?: readonly string[] | null
  readonly exist?: readonly string[] | null
  readonly child?: readonly string[] | null
  readonly persistent?: readonly string[] | null
  readonly recursive?: readonly string[] | null
}

function setWatches(lists: Lists): Request {
  const fields = { relativeZxid: 0, data: [], exist: [], child: [], ...lists }
  return { op: 'setWatches', fields, xid: -8 }
}

function setWatches2(lists: Lists): Request {
  const none = { data: [], exist: [], child: [], persistent: [], recursive: [] }
  return { op: 'setWatches2', fields: { relativeZxid: 0, ...none, ...lists }, xid: -8 }
}

const ping: Request = { op: 'ping', xid: -2 }
const whoAmI: Request = { op: 'whoAmI' }
const closeSession: Request = { op: 'closeSession' }

/** One after the other. */
function each(by: ConnectionName, ...requests: readonly Request[]): Step[] {
  return requests.map((request) => ({ type: 'ask', by, requests: [request] }))
}

/** In one write. */
function together(by: ConnectionName, ...requests: readonly Request[]): Step {
  return { type: 'ask', by, requests }
}

/** The connection ends after it. */
function ending(by: ConnectionName, ...requests: readonly Request[]): Step {
  return { type: 'ask', by, requests, ends: true }
}

function connect(by: ConnectionName, handshake: Attach = {}): Step {
  return { type: 'connect', by, handshake: { readOnly: false, ...handshake } }
}

function drop(by: ConnectionName): Step {
  return { type: 'drop', by }
}

function breaks(by: ConnectionName, bytes: Buffer): Step {
  return { type: 'break', by, bytes }
}

function acl(perms: number, scheme: string | null, id: string | null): AclEntry {
  return { perms, scheme, id }
}

function rows(area: string, claims: Readonly<Record<string, Operation['steps']>>): Operation[] {
  return Object.entries(claims).map(([name, steps]) => ({ name: `${area}: ${name}`, steps }))
}

const [persistent, ephemeral, sequential, ephemeralSequential, container] = [0, 1, 2, 3, 4]

// --- create --------------------------------------------------------------------------------------

const creating = rows('create', {
  'each mode by create': (at) => [
    ...each(
      'a',
      ...[persistent, ephemeral, sequential, ephemeralSequential, container].map((flags) =>
        create(`${at}/m${flags}-`, { data: 'x', flags: flags ?? 0 }),
      ),
      getChildren2(at),
      exists(`${at}/m0-`),
      exists(`${at}/m1-`),
      exists(`${at}/m4-`),
    ),
  ],
  'each mode by create2': (at) => [
    ...each(
      'a',
      ...[persistent, ephemeral, sequential, ephemeralSequential].map((flags) =>
        create2(`${at}/m${flags}-`, { data: 'x', flags: flags ?? 0 }),
      ),
      getChildren2(at),
    ),
  ],
  'create2 with the container flag': (at) => each('a', create2(`${at}/c`, { flags: 4 })),
  'a container': (at) =>
    each('a', createContainer(`${at}/c`), create(`${at}/c/child`), exists(`${at}/c`)),
  'createContainer with other flags': (at) =>
    each('a', createContainer(`${at}/p`, { flags: 0 }), exists(`${at}/p`)),
  'createContainer with a sequential flag': (at) =>
    each('a', createContainer(`${at}/s`, { flags: 2 }), getChildren(at)),
  'with a TTL': (at) =>
    each(
      'a',
      createTTL(`${at}/t`, 100_000),
      createTTL(`${at}/s`, 100_000, 6),
      create(`${at}/t/child`),
      exists(`${at}/t`),
      getChildren(at),
    ),
  'a TTL out of bounds': (at) =>
    each(
      'a',
      createTTL(`${at}/zero`, 0),
      createTTL(`${at}/minus`, -1),
      createTTL(`${at}/most`, 2 ** 40 - 1),
      createTTL(`${at}/more`, 2 ** 40),
      createTTL(`${at}/far`, Number.MAX_SAFE_INTEGER),
    ),
  'a TTL with a mode that has none': (at) =>
    each(
      'a',
      createTTL(`${at}/p`, 1000, 0),
      createTTL(`${at}/e`, 1000, 1),
      createTTL(`${at}/z`, 0, 0),
      getChildren(at),
    ),
  'flags of a TTL without one': (at) =>
    each('a', create(`${at}/t`, { flags: 5 }), create2(`${at}/t`, { flags: 6 })),
  'unknown flags': (at) =>
    each(
      'a',
      create(`${at}/x`, { flags: 7 }),
      create(`${at}/x`, { flags: -1 }),
      create2(`${at}/x`, { flags: 1000 }),
      createContainer(`${at}/x`, { flags: 8 }),
      createTTL(`${at}/x`, 1000, 9),
      exists(`${at}/x`),
    ),
  'sequence numbers count creates of children, and no deletes': (at) =>
    each(
      'a',
      create(`${at}/s-`, { flags: 2 }),
      create(`${at}/plain`),
      create(`${at}/s-`, { flags: 2 }),
      remove(`${at}/plain`),
      create(`${at}/e-`, { flags: 3 }),
      create(`${at}/`, { flags: 2 }),
      create(`${at}/plain`),
      create(`${at}/plain`),
      create(`${at}/s-`, { flags: 2 }),
      getChildren2(at),
    ),
  'null data is not empty data': (at) =>
    each(
      'a',
      create2(`${at}/null`, { data: null }),
      create2(`${at}/empty`, { data: '' }),
      getData(`${at}/null`),
      getData(`${at}/empty`),
      setData(`${at}/empty`, null),
      getData(`${at}/empty`),
      setData(`${at}/null`, ''),
      getData(`${at}/null`),
    ),
  'what is there already, what has no parent': (at) =>
    each(
      'a',
      create(at),
      create(`${at}/no/parent`),
      create2(`${at}/no/parent`),
      create('/'),
      create('/', { flags: 2 }),
      create('/zookeeper'),
      create('/zookeeper/config'),
    ),
  'below an ephemeral': (at) =>
    each(
      'a',
      create(`${at}/e`, { flags: 1 }),
      create(`${at}/e/child`),
      create(`${at}/e/child`, { flags: 2 }),
      create(`${at}/e/child`, { acl: null }),
    ),
  'below a node that only another identity may change': (at) =>
    each(
      'a',
      create(`${at}/p`, { acl: [acl(1, 'world', 'anyone')] }),
      create(`${at}/p/x`),
      create(`${at}/p//x`),
      create(`${at}/p/.`),
    ),
  'which of several mistakes is told': (at) =>
    each(
      'a',
      create(`${at}/no/parent`, { flags: 9, acl: null }),
      create(`${at}/no/parent`, { acl: null }),
      create('no-slash', { acl: null }),
      create('no-slash'),
      create(at, { acl: null }),
      create(`${at}/no//parent`),
      create(`${at}/x\0y`, { acl: [] }),
      createTTL('bad', 0),
    ),
  'ten thousand bytes and a hundred thousand': (at) =>
    each(
      'a',
      create2(`${at}/ten`, { data: 'x'.repeat(10_000) }),
      create2(`${at}/hundred`, { data: 'y'.repeat(100_000) }),
      getData(`${at}/ten`),
      getData(`${at}/hundred`),
    ),
  'one megabyte less a little': (at) =>
    each(
      'a',
      create2(`${at}/mega`, { data: 'x'.repeat(1_048_575 - 200) }),
      setData(`${at}/mega`, 'y'.repeat(1_048_575 - 200)),
      getData(`${at}/mega`),
    ),
  'a hundred levels': (at) => {
    const paths = Array.from({ length: 100 }, (_, i) => `${at}${'/d'.repeat(i + 1)}`)
    const deepest = paths.at(-1) ?? ''
    return [
      together('a', ...paths.map((path) => create(path))),
      ...each('a', exists(deepest), getAllChildrenNumber(at), remove(deepest), remove(at)),
    ]
  },
  'a name of ten thousand letters': (at) =>
    each('a', create(`${at}/${'n'.repeat(10_000)}`), getChildren2(at)),
})

// --- ACLs ----------------------------------------------------------------------------------------

const user = digestOf('user', 'password')
const other = digestOf('other', 'password')

const accessing = rows('acl', {
  'lists that cannot be': (at) =>
    each(
      'a',
      create(`${at}/x`, { acl: null }),
      create(`${at}/x`, { acl: [] }),
      ...[
        acl(31, 'world', 'somebody'),
        acl(31, 'nonsense', 'x'),
        acl(31, '', 'x'),
        acl(31, 'ip', 'localhost'),
        acl(31, 'ip', '1.2.3'),
        acl(31, 'ip', '1.2.3.4/33'),
        acl(31, 'ip', '1.2.3.4/-1'),
        acl(31, 'ip', '256.2.3.4'),
        acl(31, 'digest', 'only-a-user'),
        acl(31, 'digest', 'a:b:c'),
        acl(31, 'digest', ''),
        acl(31, 'auth', ''),
        acl(31, 'super', 'x'),
        acl(31, 'sasl', 'x'),
      ].map((entry) => create(`${at}/x`, { acl: [entry] })),
      exists(`${at}/x`),
    ),
  'a list without an id': (at) => each('a', create(`${at}/x`, { acl: [acl(31, 'world', null)] })),
  'a list without a scheme': (at) => each('a', create(`${at}/x`, { acl: [acl(31, null, 'x')] })),
  'lists that can be, as they are kept': (at) => {
    const lists = [
      [acl(31, 'world', 'anyone'), acl(31, 'world', 'anyone')],
      [acl(1, 'world', 'anyone'), acl(2, 'world', 'anyone'), acl(1, 'world', 'anyone')],
      [acl(0, 'world', 'anyone')],
      [acl(1, 'world', 'anyone'), acl(31, 'digest', user)],
      [acl(1, 'world', 'anyone'), acl(31, 'digest', 'a:')],
      [acl(1, 'world', 'anyone'), acl(31, 'digest', ':b')],
      [acl(31, 'ip', '127.0.0.1'), acl(16, 'ip', '10.0.0.0/8')],
      [acl(31, 'ip', '127.0.0.1/32')],
      [acl(31, 'ip', '127.0.0.1/0')],
      [acl(255, 'world', 'anyone')],
      [acl(-1, 'world', 'anyone')],
    ]
    return lists.flatMap((list, i) =>
      each('a', create(`${at}/l${i}`, { acl: list }), getACL(`${at}/l${i}`)),
    )
  },
  'auth stands for the identities of the client': (at) =>
    each(
      'a',
      create(`${at}/none`, { acl: [acl(31, 'auth', '')] }),
      auth('digest', 'user:password'),
      create(`${at}/one`, { acl: [acl(31, 'auth', 'ignored')] }),
      getACL(`${at}/one`),
      auth('digest', 'other:password'),
      create(`${at}/two`, { acl: [acl(1, 'auth', ''), acl(31, 'auth', '')] }),
      getACL(`${at}/two`),
      setACL(`${at}/one`, [acl(31, 'auth', '')]),
      getACL(`${at}/one`),
      create(`${at}/mixed`, { acl: [acl(1, 'world', 'anyone'), acl(31, 'auth', '')] }),
      getACL(`${at}/mixed`),
    ),
  'auth as somebody twice': (at) =>
    each(
      'a',
      auth('digest', 'user:password'),
      auth('digest', 'user:password'),
      create(`${at}/x`, { acl: [acl(31, 'auth', '')] }),
      getACL(`${at}/x`),
      whoAmI,
    ),
  'each permission by itself': (at) => [
    ...[1, 2, 4, 8, 16].flatMap((perms) => [
      ...each('a', create(`${at}/p${perms}`, { acl: [acl(perms, 'world', 'anyone')] })),
      ...each(
        'a',
        getData(`${at}/p${perms}`),
        getChildren(`${at}/p${perms}`),
        getChildren2(`${at}/p${perms}`),
        getAllChildrenNumber(`${at}/p${perms}`),
        getACL(`${at}/p${perms}`),
        setData(`${at}/p${perms}`, 'x'),
        create(`${at}/p${perms}/child`),
        remove(`${at}/p${perms}/child`),
        setACL(`${at}/p${perms}`, [acl(perms, 'world', 'anyone')]),
        multi(check(`${at}/p${perms}`)),
        multiRead(getData(`${at}/p${perms}`), getChildren(`${at}/p${perms}`)),
      ),
    ]),
  ],
  'exists without the right to read': (at) =>
    each('a', create(`${at}/p`, { acl: [acl(16, 'world', 'anyone')] }), exists(`${at}/p`)),
  'only a user': (at) => [
    ...each(
      'a',
      auth('digest', 'user:password'),
      create(`${at}/x`, { data: 'secret', acl: [acl(31, 'digest', user)] }),
      create(`${at}/x/child`),
      getACL(`${at}/x`),
    ),
    ...each(
      'b',
      getData(`${at}/x`),
      getACL(`${at}/x`),
      setData(`${at}/x`, ''),
      create(`${at}/x/other`),
      remove(`${at}/x/child`),
      setACL(`${at}/x`, open),
      auth('digest', 'user:wrong'),
      getData(`${at}/x`),
      auth('digest', 'user:password'),
      getData(`${at}/x`),
      remove(`${at}/x/child`),
    ),
  ],
  'a digest is hidden from a client that may not change the ACL': (at) => [
    ...each('a', auth('digest', 'user:password')),
    ...each(
      'a',
      create(`${at}/x`, { acl: [acl(1, 'world', 'anyone'), acl(30, 'digest', user)] }),
      getACL(`${at}/x`),
    ),
    ...each('b', getACL(`${at}/x`)),
  ],
  'the order in which delete and setData look': (at) =>
    each(
      'a',
      create(`${at}/p`, { acl: [acl(5, 'world', 'anyone')] }),
      create(`${at}/p/x`, { acl: [acl(1, 'world', 'anyone')] }),
      remove(`${at}/p/x`, 7),
      remove(`${at}/p/missing`),
      setData(`${at}/p/x`, '', 7),
      setData(`${at}/p/missing`, '', 7),
      setACL(`${at}/p/x`, open, 7),
      setACL(`${at}/p/x`, null, 7),
      setACL(`${at}/p/missing`, null),
      setACL(`${at}/p/missing`, open),
    ),
  'versions of the list': (at) =>
    each(
      'a',
      create2(`${at}/x`),
      setACL(`${at}/x`, open, 0),
      setACL(`${at}/x`, open, 0),
      setACL(`${at}/x`, [acl(31, 'world', 'anyone'), acl(31, 'digest', other)], 1),
      setACL(`${at}/x`, [acl(17, 'world', 'anyone')], -1),
      getACL(`${at}/x`),
      exists(`${at}/x`),
    ),
  'the super user': (at) => [
    ...each(
      'a',
      create(`${at}/x`, { data: 'secret', acl: [acl(0, 'world', 'anyone')] }),
      getData(`${at}/x`),
      auth('digest', superUser.credential),
      getData(`${at}/x`),
      setACL(`${at}/x`, open),
      getACL(`${at}/x`),
      whoAmI,
    ),
  ],
  'who I am': () => each('a', whoAmI, auth('digest', 'user:password'), whoAmI),
  'who I am, by address twice': () => each('a', auth('ip', ''), whoAmI),
  'who I am, with several colons': () => each('a', auth('digest', 'user:pass:word'), whoAmI),
  'who I am, without a colon': (at) =>
    each(
      'a',
      auth('digest', 'user'),
      whoAmI,
      create(`${at}/x`, { acl: [acl(31, 'auth', '')] }),
      getACL(`${at}/x`),
    ),
  'an unknown scheme ends the connection': () => [ending('a', auth('nonsense', 'x'))],
  'no scheme ends the connection': () => [ending('a', auth(null, 'x'))],
  'auth comes with an xid of its own': () => [
    ...each('a', { op: 'auth', fields: { type: 0, scheme: 'digest', auth: 'user:x' } }, whoAmI),
  ],
})

// --- paths ---------------------------------------------------------------------------------------

/** What each rule of a path forbids, and what looks as if it did. */
const oddNames: Readonly<Record<string, string>> = {
  'an empty name': '/',
  'an empty name in the middle': '//x',
  'a dot': '/.',
  'two dots': '/..',
  'a dot in the middle': '/./x',
  'two dots in the middle': '/../x',
  'three dots': '/...',
  'a leading dot': '/.a',
  'dots inside': '/a..b',
  'a space': '/ ',
  'a null character': '/\0',
  'a null character inside': '/a\0b',
  'the first control character': '/\u0001',
  'the last of the low control characters': '/\u001f',
  delete: '/\u007f',
  'a high control character': '/\u009f',
  'a no-break space': '/\u00a0',
  'a letter of two bytes': '/é',
  'a letter of three bytes': '/日本',
  'private use': '/\ue000',
  'the last of private use': '/\uf8ff',
  'after private use': '/\uf900',
  specials: '/\ufff0',
  'the replacement character': '/\ufffd',
  'not a character': '/\uffff',
  'an emoji, two units': '/😀',
  'a newline': '/a\nb',
}

const paths: Operation[] = [
  ...Object.entries(oddNames).map(
    ([name, odd]): Operation => ({
      name: `path: ${name}`,
      steps: (at) =>
        each(
          'a',
          exists(`${at}${odd}`),
          getData(`${at}${odd}`),
          getChildren(`${at}${odd}`),
          getACL(`${at}${odd}`),
          getAllChildrenNumber(`${at}${odd}`),
          setData(`${at}${odd}`),
          setACL(`${at}${odd}`, open),
          remove(`${at}${odd}`),
          multi(check(`${at}${odd}`)),
          create(`${at}${odd}`),
          create(`${at}${odd}`, { flags: 2 }),
          exists(`${at}${odd}`),
          getChildren(at),
          remove(`${at}${odd}`),
        ),
    }),
  ),
  ...rows('path', {
    'that is empty, for reads': () =>
      each('a', { op: 'exists', fields: { path: '', watch: false } }, getACL('')),
    'that is empty, for writes': () =>
      each('a', create(''), setData(''), remove(''), setACL('', open), multi(check('')), sync('')),
    'without its slash': () =>
      each(
        'a',
        create('x'),
        setData('x'),
        remove('x'),
        exists('x'),
        getData('x'),
        getChildren('x'),
      ),
    'that is null': () => [
      ...each('a', create(null), remove(null), exists(null), getData(null), getChildren(null)),
      ...each('a', getChildren2(null), getACL(null), getAllChildrenNumber(null)),
      ...each('a', getEphemerals(null), exists('/zookeeper')),
    ],
    'that is null, to setData and setACL': () => each('a', setData(null), setACL(null, open)),
    'that is null, in a multiRead': () => each('a', multiRead(getData(null))),
    'that is null, to sync': () => each('a', sync(null)),
    'that is null, to watch': () =>
      each('a', addWatch(null, 0), removeWatches(null, 3), checkWatches(null, 3)),
    'that cannot be deleted': () =>
      each(
        'a',
        remove('/'),
        remove('/zookeeper'),
        remove('/zookeeper/quota'),
        remove('/zookeeper/config'),
        multi(remove('/zookeeper')),
      ),
    'below /zookeeper': (at) =>
      each('a', create(`/zookeeper${at}`), exists(`/zookeeper${at}`), remove(`/zookeeper${at}`)),
  }),
]

// --- reads and plain writes ----------------------------------------------------------------------

const reading = rows('read', {
  'the tree as it is at first': () => [
    ...each('a', exists('/zookeeper'), exists('/zookeeper/quota'), getChildren('/zookeeper')),
    ...each('a', getACL('/'), getACL('/zookeeper'), getACL('/zookeeper/quota')),
    ...each('a', getData('/zookeeper'), getData('/zookeeper/quota')),
  ],
  'what is not there': (at) =>
    each(
      'a',
      exists(`${at}/x`),
      getData(`${at}/x`),
      getChildren(`${at}/x`),
      getChildren2(`${at}/x`),
      getACL(`${at}/x`),
      getAllChildrenNumber(`${at}/x`),
      setData(`${at}/x`),
      remove(`${at}/x`),
      remove(`${at}/x/y`),
      sync(`${at}/x`),
    ),
  'the Stat while children come and go': (at) =>
    each(
      'a',
      exists(at),
      create(`${at}/x`),
      exists(at),
      create(`${at}/y`),
      remove(`${at}/x`),
      exists(at),
      create(`${at}/y/z`),
      exists(at),
      exists(`${at}/y`),
    ),
  'the Stat while data is set': (at) =>
    each(
      'a',
      setData(at, 'one'),
      setData(at, 'one'),
      setData(at, 'four', 1),
      setData(at, 'x', 1),
      getData(at),
      setData(at, '', 0),
    ),
  'odd versions': (at) =>
    each('a', setData(at, 'x', -2), remove(at, -2), setACL(at, open, -2), multi(check(at, -2))),
  'delete by version, and with children': (at) =>
    each(
      'a',
      create(`${at}/x`),
      create(`${at}/x/y`),
      remove(`${at}/x`, 7),
      remove(`${at}/x`, 0),
      remove(`${at}/x/y`, 0),
      remove(`${at}/x`, 0),
      remove(`${at}/x`),
    ),
  'descendants are counted': (at) =>
    each(
      'a',
      getAllChildrenNumber(at),
      create(`${at}/a`),
      create(`${at}/a/b`),
      create(`${at}/ab`),
      getAllChildrenNumber(at),
      getAllChildrenNumber(`${at}/a`),
    ),
  'ephemerals of the session': (at) => [
    ...each(
      'a',
      create(`${at}/p`),
      create(`${at}/e1`, { flags: 1 }),
      create(`${at}/e2`, { flags: 1 }),
    ),
    ...each('b', create(`${at}/e3`, { flags: 1 })),
    ...each(
      'a',
      getEphemerals('/'),
      getEphemerals(''),
      getEphemerals(null),
      getEphemerals(at),
      getEphemerals(`${at}/e1`),
      getEphemerals(`${at}/e`),
      getEphemerals(`${at}/x`),
      getEphemerals('nonsense'),
      remove(`${at}/e1`),
      getEphemerals('/'),
    ),
    ...each('c', getEphemerals('/')),
  ],
  'in the order of the writes before': (at) => [
    together(
      'a',
      setData(at, 'one'),
      getData(at),
      setData(at, 'two'),
      exists(at),
      create(`${at}/x`),
      getChildren(at),
      ping,
      remove(`${at}/x`),
      getChildren2(at),
      sync(at),
      getData(`${at}/x`),
    ),
  ],
  'what others wrote, after a sync': (at) => [
    ...each('a', setData(at, 'by a')),
    together('b', sync(at), getData(at)),
  ],
})

const membership: Operation = {
  name: 'read: the configuration',
  steps: () => each('a', getData('/zookeeper/config'), getACL('/zookeeper/config')),
  // Ports are what they are, and so is the length; ZooKeeper adds the time at which a server
  // started.
  normalize: (line) =>
    line
      .replaceAll(/127\.0\.0\.1:\d+:\d+:participant(;127\.0\.0\.1:\d+)?/g, 'HOST')
      .replace(/"dataLength":\d+/, '"dataLength":N')
      .replace(/"times":"[^"]*"/, ''),
}

// --- multi ---------------------------------------------------------------------------------------

const combining = rows('multi', {
  nothing: () => each('a', multi(), multiRead()),
  'each part sees those before it': (at) =>
    each(
      'a',
      multi(
        create(`${at}/x`, { data: 'one' }),
        check(`${at}/x`, 0),
        setData(`${at}/x`, 'two', 0),
        check(`${at}/x`, 1),
        create(`${at}/x/y`),
        remove(`${at}/x/y`, 0),
        setData(`${at}/x`, 'three', 1),
      ),
      getData(`${at}/x`),
      exists(at),
    ),
  'create2 as a part': (at) => each('a', multi(create2(`${at}/x`, { data: 'abc' }))),
  'a container and a TTL as parts': (at) =>
    each('a', multi(createContainer(`${at}/c`), createTTL(`${at}/t`, 100_000)), getChildren(at)),
  'sequences as parts': (at) =>
    each(
      'a',
      multi(create(`${at}/s-`, { flags: 2 }), create(`${at}/s-`, { flags: 3 })),
      getChildren(at),
    ),
  'a failure undoes all, and tells each part': (at) =>
    each(
      'a',
      multi(
        create(`${at}/x`),
        setData(at, 'changed'),
        remove(`${at}/missing`),
        create(`${at}/y`),
        setData(`${at}/missing`),
      ),
      getData(at),
      getChildren2(at),
      create(`${at}/s-`, { flags: 2 }),
    ),
  'every error a part can have': (at) =>
    each(
      'a',
      multi(create(at)),
      multi(create(`${at}/no/parent`)),
      multi(create('bad')),
      multi(create(`${at}/x`, { acl: null })),
      multi(create(`${at}/x`, { flags: 12 })),
      multi(create(`${at}/e`, { flags: 1 }), create(`${at}/e/x`)),
      multi(setData(at, '', 7)),
      multi(remove(at, 7)),
      multi(check(at, 7)),
      multi(check(`${at}/x`)),
      multi(create(`${at}/x`), remove(at)),
      multi(check(at), create(at), check(at)),
      getChildren2(at),
    ),
  'an undone part leaves no sequence number': (at) =>
    each(
      'a',
      create(`${at}/s-`, { flags: 2 }),
      multi(create(`${at}/s-`, { flags: 2 }), check(at, 99)),
      create(`${at}/s-`, { flags: 2 }),
    ),
  'create and delete of the same znode': (at) =>
    each(
      'a',
      multi(create(`${at}/x`), remove(`${at}/x`), create(`${at}/x`), remove(`${at}/x`)),
      exists(at),
    ),
  'an ephemeral as a part': (at) => [
    ...each('a', multi(create(`${at}/e`, { flags: 1 })), exists(`${at}/e`), getEphemerals('/')),
    ending('a', closeSession),
    ...each('b', exists(`${at}/e`)),
  ],
  'reads, each for itself': (at) =>
    each(
      'a',
      create(`${at}/x`, { data: 'abc' }),
      multiRead(
        getData(at),
        getData(`${at}/missing`),
        getChildren(at),
        getChildren(`${at}/missing`),
        getData(`${at}/x`),
      ),
    ),
  'reads that ask to watch do not': (at) => [
    ...each('a', multiRead(getData(at, true), getChildren(at, true))),
    ...each('b', setData(at, 'x'), create(`${at}/x`)),
  ],
  'reads among writes': (at) => each('a', multi(create(`${at}/x`), getData(at)), exists(`${at}/x`)),
  'writes among reads': (at) =>
    each('a', multiRead(getData(at), create(`${at}/x`)), exists(`${at}/x`)),
  'parts that are none': (at) =>
    each(
      'a',
      multi(exists(at)),
      multi({ op: 'setACL', fields: { path: at, acl: open, version: -1 } }),
      multi(closeSession),
      multi({ op: 99 }),
      multiRead(exists(at)),
    ),
  'its watches fire part by part': (at) => [
    ...each(
      'a',
      getData(at, true),
      getChildren(at, true),
      exists(`${at}/x`, true),
      exists(`${at}/y`, true),
    ),
    ...each(
      'b',
      multi(create(`${at}/x`), setData(at, 'new'), create(`${at}/y`), setData(`${at}/x`, '1')),
    ),
  ],
})

// --- watches -------------------------------------------------------------------------------------

const watching: Operation[] = [
  ...rows('watch', {
    'one-shot, by each read': (at) => [
      ...each('a', getData(at, true), exists(`${at}/x`, true), getChildren(at, true)),
      ...each('b', create(`${at}/x`), setData(at, '1'), setData(at, '2'), create(`${at}/y`)),
      ...each('a', getChildren2(at, true), exists(at, true)),
      ...each('b', remove(`${at}/y`), setData(at, '3'), setData(at, '4')),
    ],
    'of what is deleted': (at) => [
      ...each(
        'a',
        create(`${at}/x`),
        getData(`${at}/x`, true),
        getChildren(`${at}/x`, true),
        getChildren(at, true),
      ),
      ...each('b', remove(`${at}/x`)),
      ...each('a', exists(`${at}/x`, true)),
      ...each('b', create(`${at}/x`), create(`${at}/x/y`), remove(`${at}/x/y`), remove(`${at}/x`)),
    ],
    'of a child list only, deleted': (at) => [
      ...each('a', create(`${at}/x`), getChildren(`${at}/x`, true)),
      ...each('b', remove(`${at}/x`)),
    ],
    'is not left by a read that fails': (at) => [
      ...each('a', getData(`${at}/x`, true), getChildren(`${at}/x`, true)),
      ...each('b', create(`${at}/x`), create(`${at}/x/y`)),
    ],
    'fires for the one who writes, before the answer': (at) => [
      ...each('a', getData(at, true), getChildren(at, true)),
      together('a', setData(at, 'x'), create(`${at}/x`), getData(at)),
    ],
    'set twice fires once': (at) => [
      ...each('a', getData(at, true), exists(at, true), getData(at, true)),
      ...each('b', setData(at, 'x')),
    ],
    'does not fire for a list, or a failure': (at) => [
      ...each('a', getData(at, true), getChildren(at, true)),
      ...each(
        'b',
        setACL(at, open),
        setData(at, '', 99),
        create(at),
        remove(`${at}/x`),
        multi(check(at)),
        multi(setData(at, 'x'), check(at, 0)),
      ),
    ],
    persistent: (at) => [
      ...each('a', addWatch(at, 0)),
      ...each(
        'b',
        setData(at, '1'),
        setData(at, '2'),
        create(`${at}/x`),
        setData(`${at}/x`),
        remove(`${at}/x`),
      ),
      ...each('b', remove(at), create(at), setData(at, '3')),
    ],
    'persistent and recursive': (at) => [
      ...each('a', addWatch(at, 1)),
      ...each('b', setData(at, '1'), create(`${at}/x`), create(`${at}/x/y`), setData(`${at}/x/y`)),
      ...each(
        'b',
        remove(`${at}/x/y`),
        remove(`${at}/x`),
        remove(at),
        create(at),
        create(`${at}z`),
      ),
    ],
    'of the root, recursive': (at) => [
      ...each('a', addWatch('/', 1)),
      ...each('b', create(`${at}/x`), setData(`${at}/x`), remove(`${at}/x`)),
    ],
    'of what does not exist': (at) => [
      ...each('a', addWatch(`${at}/x`, 0), addWatch(`${at}/y`, 1)),
      ...each('b', create(`${at}/x`), create(`${at}/y`), create(`${at}/y/z`)),
    ],
    'of several kinds on one path': (at) => [
      ...each('a', addWatch(at, 0), getData(at, true), getChildren(at, true)),
      ...each('b', setData(at, '1'), setData(at, '2'), create(`${at}/x`), create(`${at}/y`)),
    ],
    'persistent, then recursive': (at) => [
      ...each('a', addWatch(at, 0), addWatch(at, 1)),
      ...each('b', setData(at, '1'), create(`${at}/x`), create(`${at}/x/y`)),
    ],
    'recursive, then persistent': (at) => [
      ...each('a', addWatch(at, 1), addWatch(at, 0)),
      ...each('b', setData(at, '1'), create(`${at}/x`), create(`${at}/x/y`)),
    ],
    'recursive above and one-shot below': (at) => [
      ...each(
        'a',
        addWatch(at, 1),
        create(`${at}/x`),
        getData(`${at}/x`, true),
        getChildren(`${at}/x`, true),
      ),
      ...each(
        'b',
        setData(`${at}/x`, '1'),
        create(`${at}/x/y`),
        remove(`${at}/x/y`),
        remove(`${at}/x`),
      ),
    ],
    'of two connections': (at) => [
      ...each('a', getData(at, true)),
      ...each('b', getData(at, true), addWatch(at, 1)),
      ...each('c', setData(at, 'x'), setData(at, 'y')),
    ],
    'of an unknown mode': (at) => each('a', addWatch(at, 7), checkWatches(at, 3)),
    'without its slash': () => each('a', addWatch('x', 0), addWatch('x', 1), exists('x', true)),
    'removed and looked for': (at) => [
      ...each('a', removeWatches(at, 1), removeWatches(at, 2), removeWatches(at, 3)),
      ...each('a', checkWatches(at, 1), checkWatches(at, 2), checkWatches(at, 3)),
      ...each('a', getData(at, true), getChildren(at, true)),
      ...each('a', checkWatches(at, 1), checkWatches(at, 2), checkWatches(at, 3)),
      ...each(
        'a',
        removeWatches(at, 2),
        checkWatches(at, 2),
        checkWatches(at, 1),
        checkWatches(at, 3),
      ),
      ...each('b', setData(at, 'x'), create(`${at}/x`)),
      ...each('a', checkWatches(at, 3), removeWatches(at, 3)),
    ],
    'removed, any of them': (at) => [
      ...each(
        'a',
        getData(at, true),
        getChildren(at, true),
        removeWatches(at, 3),
        checkWatches(at, 3),
      ),
      ...each('b', setData(at, 'x'), create(`${at}/x`)),
    ],
    'of an unknown type removed': (at) =>
      each('a', getData(at, true), removeWatches(at, 0), removeWatches(at, 9), checkWatches(at, 9)),
    'persistent, removed as such': (at) => [
      ...each('a', addWatch(at, 0), getData(at, true), checkWatches(at, 4), checkWatches(at, 5)),
      ...each('a', removeWatches(at, 4), checkWatches(at, 4), checkWatches(at, 2)),
      ...each('b', setData(at, 'x'), setData(at, 'y'), create(`${at}/x`)),
    ],
    'recursive, removed as such': (at) => [
      ...each('a', addWatch(at, 1), checkWatches(at, 5), removeWatches(at, 5), checkWatches(at, 5)),
      ...each('b', create(`${at}/x`)),
    ],
    'persistent, removed by any': (at) => [
      ...each('a', addWatch(at, 0), removeWatches(at, 3)),
      ...each('b', setData(at, 'x'), create(`${at}/x`)),
    ],
    'recursive, removed by any': (at) => [
      ...each('a', addWatch(at, 1), removeWatches(at, 3)),
      ...each('b', setData(at, 'x'), create(`${at}/x`)),
    ],
    'recursive, removed by data': (at) => [
      ...each('a', addWatch(at, 1), removeWatches(at, 2)),
      ...each('b', setData(at, 'x')),
    ],
    'of an ephemeral, when its session ends': (at) => [
      ...each('b', create(`${at}/e1`, { flags: 1 })),
      ...each('a', exists(`${at}/e1`, true), getChildren(at, true)),
      ending('b', closeSession),
    ],
    'carried over: what happened meanwhile is told': (at) => [
      ...each('b', create(`${at}/data`), create(`${at}/gone`), create(`${at}/child`)),
      ...each(
        'a',
        setWatches({
          data: [`${at}/data`, `${at}/gone`, `${at}/missing`],
          exist: [`${at}/data`, `${at}/missing`],
          child: [`${at}/child`, `${at}/missing`],
        }),
      ),
      ...each('b', create(`${at}/missing`), setData(`${at}/data`, 'x')),
    ],
    'carried over: what did not change is armed': (at) => [
      ...each('b', create(`${at}/data`), create(`${at}/child`)),
      ...each(
        'a',
        setWatches({
          relativeZxid: Number.MAX_SAFE_INTEGER,
          data: [`${at}/data`],
          exist: [`${at}/missing`],
          child: [`${at}/child`],
        }),
      ),
      ...each('b', setData(`${at}/data`, 'x'), create(`${at}/missing`), create(`${at}/child/x`)),
      ...each('b', setData(`${at}/data`, 'x'), remove(`${at}/missing`), remove(`${at}/child/x`)),
    ],
    'carried over: persistent ones are armed and tell nothing': (at) => [
      ...each('b', create(`${at}/p`), create(`${at}/r`)),
      ...each('a', setWatches2({ persistent: [`${at}/p`], recursive: [`${at}/r`] })),
      ...each('b', setData(`${at}/p`, 'x'), create(`${at}/r/x`), setData(`${at}/p`, 'y')),
      ...each('b', create(`${at}/p/x`), remove(`${at}/r/x`)),
    ],
    'carried over: all five lists': (at) => [
      ...each('b', create(`${at}/d`), create(`${at}/c`)),
      ...each(
        'a',
        setWatches2({
          relativeZxid: Number.MAX_SAFE_INTEGER,
          data: [`${at}/d`],
          exist: [`${at}/e`],
          child: [`${at}/c`],
          persistent: [`${at}/d`],
          recursive: [at],
        }),
      ),
      ...each(
        'b',
        setData(`${at}/d`, 'x'),
        create(`${at}/e`),
        create(`${at}/c/x`),
        setData(`${at}/d`),
      ),
    ],
    'carried over: nothing': () => each('a', setWatches({}), setWatches2({})),
    'carried over: lists that are null': () =>
      each('a', setWatches({ data: null, exist: null, child: null }), exists('/zookeeper')),
    'carried over: odd paths': () =>
      each(
        'a',
        setWatches({ data: ['', 'x'], exist: ['//'], child: ['/..'] }),
        exists('/zookeeper'),
      ),
  }),
  {
    name: 'watch: the zxid of a notification',
    eventZxids: true,
    steps: (at) => [
      ...each('a', getData(at, true)),
      ...each('b', setData(at, 'x')),
      ...each('a', exists(at)),
    ],
  },
  {
    name: 'watch: the zxid of a notification that was missed',
    eventZxids: true,
    steps: (at) => each('a', setWatches({ data: [at, `${at}/x`], exist: [at] })),
  },
  {
    name: 'watch: of what one may not read any more',
    steps: (at) => [
      ...each(
        'a',
        create(`${at}/x`),
        getData(`${at}/x`, true),
        getChildren(`${at}/x`, true),
        addWatch(at, 1),
      ),
      ...each('b', auth('digest', 'user:password'), setACL(`${at}/x`, [acl(31, 'digest', user)])),
      ...each(
        'b',
        setData(`${at}/x`, 'secret'),
        create(`${at}/x/y`, { acl: [acl(31, 'digest', user)] }),
      ),
      ...each('b', remove(`${at}/x/y`), remove(`${at}/x`)),
    ],
  },
]

// --- sessions ------------------------------------------------------------------------------------

const sessions: Operation[] = [
  ...rows('session', {
    'time-outs as negotiated': () =>
      [0, -1, 1, 10_000, 40_000, 1_000_000, 2_147_483_647, -2_147_483_648].flatMap((timeoutMs) => [
        connect('a', { timeoutMs }),
        drop('a'),
      ]),
    'without the byte that old clients do not send': () => [connect('a', { readOnly: undefined })],
    'that would do with an old state': () => [connect('a', { readOnly: true })],
    'of another protocol version': () => [connect('a', { protocolVersion: 7 })],
    'new, with any password': () => [
      connect('a', { password: 'empty' }),
      connect('b', { password: 'null' }),
      connect('c', { password: 'short' }),
    ],
    'taken to another server': (at) => [
      ...each('a', create(`${at}/e`, { flags: 1 })),
      drop('a'),
      connect('b', { sessionOf: 'a' }),
      ...each('b', getEphemerals('/'), exists(`${at}/e`), setData(`${at}/e`, 'x')),
    ],
    'taken up again at the same server, twice': (at) => [
      ...each('a', create(`${at}/e`, { flags: 1 })),
      drop('a'),
      connect('a', { sessionOf: 'a' }),
      ...each('a', getEphemerals('/')),
      drop('a'),
      connect('a', { sessionOf: 'a' }),
      ...each('a', getEphemerals('/')),
    ],
    'with a wrong password': () => [
      ...each('a', ping),
      connect('b', { sessionOf: 'a', password: 'wrong' }),
      ...each('a', ping),
    ],
    'with an empty password': () => [
      ...each('a', ping),
      connect('b', { sessionOf: 'a', password: 'empty' }),
    ],
    'with no password': () => [
      ...each('a', ping),
      connect('b', { sessionOf: 'a', password: 'null' }),
    ],
    'with a short password': () => [
      ...each('a', ping),
      connect('b', { sessionOf: 'a', password: 'short' }),
    ],
    unknown: () => [connect('a', { sessionId: 0x1234_5678n })],
    'unknown, negative': () => [connect('a', { sessionId: -1n })],
    'unknown, of 64 bits': () => [connect('a', { sessionId: 0x7fff_ffff_ffff_ffffn })],
    'that was closed': () => [
      ...each('a', ping),
      ending('a', closeSession),
      connect('b', { sessionOf: 'a' }),
    ],
    'of a client that has seen more': () => [
      connect('a', { lastZxidSeen: 0x7fff_ffff_0000_0000n }),
    ],
    'of a client that has seen more, taken up': () => [
      ...each('a', ping),
      connect('b', { sessionOf: 'a', lastZxidSeen: 0x7fff_ffff_0000_0000n }),
      ...each('a', ping),
    ],
    'of a client that has seen less than nothing': () => [connect('a', { lastZxidSeen: -5n })],
    'closed: its ephemerals go, and it is answered': (at) => [
      ...each('a', create(`${at}/e`, { flags: 1 }), create(`${at}/p`)),
      ending('a', closeSession),
      ...each('b', getChildren2(at)),
    ],
    'closed with work before and after': (at) => [
      {
        type: 'ask',
        by: 'a',
        requests: [create(`${at}/e`, { flags: 1 }), setData(at, 'x'), getData(at), closeSession],
        ends: true,
      },
      ...each('b', getChildren2(at), getData(at)),
    ],
    'an ephemeral of another is deleted by whom it may concern': (at) => [
      ...each('a', create(`${at}/e`, { flags: 1 })),
      ...each('b', setData(`${at}/e`, 'x'), remove(`${at}/e`)),
      ...each('a', getEphemerals('/'), create(`${at}/e`, { flags: 1 })),
    ],
  }),
]

// --- invalid requests ----------------------------------------------------------------------------

const path = (text: string) => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const broken: Operation[] = [
  ...rows('bad', {
    'an unknown operation': () => [ending('a', { op: 99 })],
    'operation 0': () => [ending('a', { op: 0 })],
    'operation -1': () => [ending('a', { op: -1 })],
    'operation 10': () => [ending('a', { op: 10 })],
    'deleteContainer by a client': (at) => [
      ...each('b', createContainer(`${at}/c`)),
      together('a', { op: 'deleteContainer', fields: { path: `${at}/c` } }),
      ...each('b', exists(`${at}/c`)),
    ],
    'no body where there should be one': () => [
      ...each('a', { op: 'create', raw: Buffer.alloc(0) }),
      ...each('a', { op: 'getData', raw: Buffer.alloc(0) }),
      ...each('a', { op: 'setData', raw: Buffer.alloc(0) }),
      ...each('a', exists('/zookeeper')),
    ],
    'half a body': (at) => [
      ...each('a', { op: 'create', raw: path(`${at}/x`) }, exists(`${at}/x`)),
      ...each('a', { op: 'setData', raw: path(at) }, getData(at)),
      ...each('a', { op: 'getData', raw: path(at) }),
    ],
    'a path longer than its message': () =>
      each(
        'a',
        { op: 'getData', raw: Buffer.concat([int32(1000), Buffer.from('/short')]) },
        exists('/zookeeper'),
      ),
    'a path of negative length': () =>
      each(
        'a',
        { op: 'getData', raw: Buffer.concat([int32(-7), Buffer.from([0])]) },
        exists('/zookeeper'),
      ),
    'more bytes than needed': (at) =>
      each(
        'a',
        { op: 'exists', raw: Buffer.concat([path(at), Buffer.from([0, 1, 2, 3, 4, 5])]) },
        { op: 'ping', raw: Buffer.from([1, 2, 3]), xid: -2 },
        exists('/zookeeper'),
      ),
    'true that is not one': (at) => [
      ...each('a', { op: 'exists', raw: Buffer.concat([path(at), Buffer.from([0x80])]) }),
      ...each('b', setData(at, 'x')),
    ],
    'a list of ACLs with a negative length': (at) =>
      each(
        'a',
        {
          op: 'create',
          raw: Buffer.concat([path(`${at}/x`), int32(-1), int32(-5), int32(0)]),
        },
        exists('/zookeeper'),
      ),
    'a list of ACLs longer than its message': (at) =>
      each(
        'a',
        {
          op: 'create',
          raw: Buffer.concat([path(`${at}/x`), int32(-1), int32(100_000), int32(0)]),
        },
        exists('/zookeeper'),
      ),
    'an endless multi': (at) =>
      each(
        'a',
        {
          op: 'multi',
          raw: Buffer.concat([int32(13), Buffer.from([0]), int32(-1), path(at), int32(-1)]),
        },
        exists('/zookeeper'),
      ),
    'a path that is not UTF-8': () =>
      each(
        'a',
        { op: 'exists', raw: Buffer.concat([int32(3), Buffer.from([0x2f, 0xff, 0xfe, 0])]) },
        exists('/zookeeper'),
      ),
    'negative xids are echoed': () =>
      each(
        'a',
        { op: 'exists', fields: { path: '/', watch: false }, xid: -77 },
        exists('/zookeeper'),
      ),
    'the same xid twice': () =>
      each('a', { ...exists('/zookeeper'), xid: 5 }, { ...exists('/zookeeper/quota'), xid: 5 }),
    'a ping with an ordinary xid': () => each('a', { op: 'ping', xid: 77 }),
    'SASL where there is none': () => each('a', { op: 'sasl', fields: { token: 'x' } }, whoAmI),
    'reconfiguration where there is none': () =>
      each(
        'a',
        {
          op: 'reconfig',
          fields: { joining: null, leaving: '3', newMembers: null, version: -1 },
        },
        exists('/zookeeper'),
      ),
    'a frame of no bytes': () => [...each('a', ping), breaks('a', int32(0))],
    'a frame without an operation': () => [
      ...each('a', ping),
      breaks('a', Buffer.concat([int32(4), int32(1)])),
    ],
    'a frame of negative length': () => [...each('a', ping), breaks('a', int32(-2))],
    'a frame over the limit': () => [...each('a', ping), breaks('a', int32(1_048_577))],
    'a frame far over the limit': () => [...each('a', ping), breaks('a', int32(0x7fff_ffff))],
  }),
]

// --- quotas --------------------------------------------------------------------------------------

const quotas = rows('quota', {
  'are counted': (at) => {
    const quota = `/zookeeper/quota${at}`
    return [
      ...each('a', create(`${at}/before`, { data: '12345' })),
      ...each(
        'a',
        create(quota),
        create(`${quota}/zookeeper_limits`, { data: 'count=5,bytes=100' }),
      ),
      ...each('a', create(`${quota}/zookeeper_stats`, { data: 'count=0,bytes=0' })),
      ...each('a', getData(`${quota}/zookeeper_limits`), getData(`${quota}/zookeeper_stats`)),
      ...each('a', create(`${at}/x`, { data: 'abc' }), getData(`${quota}/zookeeper_stats`)),
      ...each('a', setData(`${at}/x`, 'abcdef'), getData(`${quota}/zookeeper_stats`)),
      ...each('a', setData(`${at}/x`, null), getData(`${quota}/zookeeper_stats`)),
      ...each('a', remove(`${at}/x`), getData(`${quota}/zookeeper_stats`)),
      ...each('a', setData(at, '12'), getData(`${quota}/zookeeper_stats`)),
      ...each('a', setData(`${quota}/zookeeper_limits`, 'count=2,bytes=3'), create(`${at}/over`)),
      ...each('a', create(`${at}/over2`), getData(`${quota}/zookeeper_stats`)),
    ]
  },
  'whose limits are gone': (at) => {
    const quota = `/zookeeper/quota${at}`
    return [
      ...each('a', create(quota), create(`${quota}/zookeeper_limits`, { data: 'count=5,bytes=9' })),
      ...each('a', create(`${quota}/zookeeper_stats`, { data: 'count=0,bytes=0' })),
      ...each('a', remove(`${quota}/zookeeper_limits`), create(`${at}/y`)),
      ...each('a', getData(`${quota}/zookeeper_stats`)),
    ]
  },
  'of a multi': (at) => {
    const quota = `/zookeeper/quota${at}`
    return [
      ...each(
        'a',
        create(quota),
        create(`${quota}/zookeeper_limits`, { data: 'count=5,bytes=100' }),
      ),
      ...each('a', create(`${quota}/zookeeper_stats`, { data: 'count=0,bytes=0' })),
      ...each('a', multi(create(`${at}/x`, { data: 'abc' }), create(`${at}/y`, { data: 'de' }))),
      ...each('a', getData(`${quota}/zookeeper_stats`)),
      ...each('a', multi(remove(`${at}/x`), setData(`${at}/y`, ''))),
      ...each('a', getData(`${quota}/zookeeper_stats`)),
    ]
  },
  'with hard limits': (at) => {
    const quota = `/zookeeper/quota${at}`
    const limits = 'count=-1,bytes=-1=;byteHardLimit=10;countHardLimit=3'
    return [
      ...each('a', create(quota), create(`${quota}/zookeeper_limits`, { data: limits })),
      ...each('a', create(`${quota}/zookeeper_stats`, { data: 'count=0,bytes=0' })),
      ...each('a', create(`${at}/x`, { data: '12345' }), setData(`${at}/x`, '12345678901')),
      ...each('a', create(`${at}/y`, { data: '123456' }), create(`${at}/y`, { data: '12345' })),
      ...each(
        'a',
        create(`${at}/z`),
        multi(create(`${at}/z`)),
        getData(`${quota}/zookeeper_stats`),
      ),
      ...each('a', remove(`${at}/y`), create(`${at}/z`), setData(`${at}/z`, '12345')),
      ...each('a', getData(`${quota}/zookeeper_stats`)),
    ]
  },
})

/**
 * What brings ZooKeeper 3.8.0 down: a server of it, or all of them one after the other. Ours answer
 * it with an error, and go on.
 */
export const harmful: readonly Operation[] = rows('harmful', {
  'a check by itself': (at) => [ending('a', check(at))],
  'a check of what is not there, by itself': (at) => [ending('a', check(`${at}/x`))],
  'a TTL of -1 with a mode that has none': (at) => each('a', createTTL(`${at}/x`, -1, 0)),
  'a part without a path': () => each('a', multi(create(null)), multi(check(null))),
})

export const table: readonly Operation[] = [
  ...reading,
  membership,
  ...creating,
  ...accessing,
  ...paths,
  ...combining,
  ...watching,
  ...sessions,
  ...broken,
  ...quotas,
]
