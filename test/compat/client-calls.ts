// Calls of our own client to our servers and to ZooKeeper, in ZooKeeper's protocol, and their
// results. operations.ts compares the bytes themselves.

import type { Address } from '../../src/address.ts'
import { ZkClient } from '../../src/client/zk/zk-client.ts'
import { ZkError } from '../../src/protocol/error-codes.ts'
import { type Acl, perms } from '../../src/protocol/records.ts'
import type { WatchEvent } from '../../src/protocol/zk/messages.ts'
import { digestOf } from './operations.ts'

interface Asked {
  readonly zk: ZkClient
  /** a znode of its own */
  readonly at: string
  /** the events received, in order */
  readonly heard: (event: WatchEvent) => void
}

type Call = (asked: Asked) => Promise<unknown>

const user: Acl = { perms: perms.all, scheme: 'digest', id: digestOf('user', 'password') }
const everybody: Acl = { perms: perms.all, scheme: 'world', id: 'anyone' }

const calls: readonly Call[] = [
  ({ zk, at }) => zk.create(at, 'one'),
  ({ zk, at }) => zk.create(at),
  ({ zk, at }) => zk.create(`${at}/null`),
  ({ zk, at }) => zk.create(`${at}/empty`, ''),
  ({ zk, at }) => zk.create(`${at}/e`, 'x', { mode: 'ephemeral' }),
  ({ zk, at }) => zk.create(`${at}/s-`, 'x', { mode: 'persistentSequential' }),
  ({ zk, at }) => zk.create(`${at}/es-`, 'x', { mode: 'ephemeralSequential' }),
  ({ zk, at }) => zk.create(`${at}/c`, 'x', { mode: 'container' }),
  ({ zk, at }) => zk.create(`${at}/t`, 'x', { ttlMs: 100_000 }),
  ({ zk, at }) => zk.create(`${at}/no/parent`),
  ({ zk, at }) => zk.create(`${at}/e/child`),
  ({ zk, at }) => zk.getData(at),
  ({ zk, at }) => zk.getData(`${at}/null`),
  ({ zk, at }) => zk.getData(`${at}/empty`),
  ({ zk, at }) => zk.getData(`${at}/nothing`),
  ({ zk, at }) => zk.exists(at),
  ({ zk, at }) => zk.exists(`${at}/nothing`),
  ({ zk, at }) => zk.getChildren(at),
  ({ zk, at }) => zk.getAllChildrenNumber(at),
  ({ zk, at }) => zk.getEphemerals(at),
  ({ zk, at }) => zk.setData(at, 'two', 0),
  ({ zk, at }) => zk.setData(at, 'three', 0),
  ({ zk, at }) => zk.delete(`${at}/c`, 7),
  ({ zk, at }) => zk.delete(`${at}/c`),
  ({ zk, at }) => zk.delete(at),
  ({ zk, at }) => zk.sync(at),
  ({ zk, at, heard }) => zk.getData(at, heard),
  ({ zk, at, heard }) => zk.getChildren(at, heard),
  ({ zk, at, heard }) => zk.exists(`${at}/later`, heard),
  ({ zk, at, heard }) => zk.addWatch(`${at}/deep`, 'persistentRecursive', heard),
  ({ zk, at, heard }) => zk.addWatch(`${at}/t`, 'persistent', heard),
  ({ zk, at }) => zk.setData(at, 'three'),
  ({ zk, at }) => zk.create(`${at}/later`),
  ({ zk, at }) => zk.create(`${at}/deep`),
  ({ zk, at }) => zk.create(`${at}/deep/er`),
  ({ zk, at }) => zk.setData(`${at}/t`, 'one'),
  ({ zk, at }) => zk.setData(`${at}/t`, 'two'),
  ({ zk, at }) => zk.removeWatches(`${at}/t`, 'any'),
  ({ zk, at }) => zk.removeWatches(`${at}/t`, 'any'),
  ({ zk, at }) => zk.setData(`${at}/t`, 'three'),
  ({ zk, at }) =>
    zk.multi([
      { type: 'create', path: `${at}/m`, data: null, mode: 'persistent' },
      { type: 'setData', path: `${at}/m`, data: Buffer.from('x'), version: 0 },
      { type: 'check', path: `${at}/m`, version: 1 },
      { type: 'delete', path: `${at}/m`, version: -1 },
    ]),
  ({ zk, at }) =>
    zk.multi([
      { type: 'check', path: at, version: -1 },
      { type: 'delete', path: `${at}/nothing`, version: -1 },
    ]),
  ({ zk }) => zk.multi([]),
  ({ zk, at }) =>
    zk.multiRead([
      { type: 'getData', path: at },
      { type: 'getChildren', path: at },
      { type: 'getData', path: `${at}/nothing` },
    ]),
  ({ zk, at }) => zk.create(`${at}/mine`, 'x', { acl: [user] }),
  ({ zk, at }) => zk.getData(`${at}/mine`),
  ({ zk, at }) => zk.getACL(`${at}/mine`),
  ({ zk }) => zk.addAuth('digest', 'user:password'),
  ({ zk, at }) => zk.getData(`${at}/mine`),
  ({ zk, at }) => zk.getACL(`${at}/mine`),
  ({ zk, at }) => zk.setACL(`${at}/mine`, [everybody], 0),
  ({ zk, at }) => zk.setACL(`${at}/mine`, [user], 0),
  ({ zk, at }) => zk.setACL(`${at}/mine`, []),
  ({ zk }) => zk.whoAmI().then((identities) => identities.map(({ id }) => id).sort()),
  ({ zk, at }) => zk.getData(at, undefined, { linearizable: true }),
]

/** @returns a line for each call and each event, without values that naturally differ */
export async function callAll(servers: readonly Address[], at: string): Promise<string[]> {
  const zk = new ZkClient({ servers, dialect: 'jute' })
  await zk.connect()
  const found: unknown[] = []
  try {
    const heard = ({ type, path }: WatchEvent) => found.push({ heard: type, path })
    for (const call of calls) found.push(await outcome(call({ zk, at, heard })))
  } finally {
    await zk.close()
  }
  return lines(found, at)
}

async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return (await call) ?? 'done'
  } catch (error) {
    if (error instanceof ZkError) return { refused: error.code }
    throw error
  }
}

const zxidKeys = new Set(['czxid', 'mzxid', 'pzxid'])

/** ZooKeeper 3.8.0 has no Stat for what a multi creates, and says the zxids of no events. */
const leftOut = new Set(['ctime', 'mtime', 'ephemeralOwner'])

function lines(found: readonly unknown[], at: string): string[] {
  const zxids = new Set<number>()
  JSON.stringify(found, (key, value) => {
    if (zxidKeys.has(key) && value > 0) zxids.add(value)
    return value
  })
  const ranked = [...zxids].sort((a, b) => a - b)
  return found.map((one) =>
    JSON.stringify(one, (key, value) => {
      if (leftOut.has(key)) return undefined
      if (value?.type === 'create') return { ...value, stat: undefined }
      if (key === 'children') return value.toSorted()
      return zxidKeys.has(key) ? `z${ranked.indexOf(value) + 1}` : value
    }).replaceAll(at, '~'),
  )
}
