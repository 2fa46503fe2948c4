// The arguments of ZkClient's methods: one table per method, in the order of its parameters, and
// one for the options of the client. zk-client.ts documents the meaning.

import type { Logger } from '../../logger.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import { pathProblem } from '../../protocol/path.ts'
import type { Acl } from '../../protocol/records.ts'
import {
  addWatchModes,
  type CreateMode,
  createModes,
  type MultiOp,
  pagePlaceMax,
  type ReadOp,
  watcherTypes,
} from '../../protocol/zk/messages.ts'
import {
  always,
  bytesOrNull,
  callback,
  flag,
  having,
  type Kind,
  listOf,
  Misfit,
  method,
  milliseconds,
  millisecondsOrForever,
  misfit,
  nonEmptyText,
  oneOf,
  optional,
  type RowsOf,
  record,
  secretBytes,
  tagged,
  text,
  wholeNumber,
} from '../arguments.ts'
import { defaultClientPort, serverList } from '../server-list.ts'
import { tlsOption } from '../tls.ts'
import { clientWorld } from '../world-argument.ts'
import { isSequential } from './call.ts'
import { dialectNames } from './dialects.ts'
import {
  type CreateOptions,
  defaultConnectTimeoutMs,
  defaultSessionTimeoutMs,
  type ReadOptions,
  type ZkClientOptions,
} from './options.ts'
import type { Watcher } from './watch-registry.ts'

// --- kinds --------------------------------------------------------------------------------------

/** @param sequential a number will be appended, so it may end in a slash */
function pathOf(sequential: boolean): Kind<string> {
  return (value, name) => {
    if (typeof value !== 'string') throw misfit(value, name, 'a path of a znode')
    const problem = pathProblem(value, { sequential })
    if (problem !== undefined) throw misfit(value, name, 'a path', `: ${problem}`)
    return value
  }
}

const path = pathOf(false)
const pathPrefix = pathOf(true)

/** An int32: versions wrap, so a znode's may be negative after 2^31 changes. -1 means any. */
const version = wholeNumber(-(2 ** 31), 2 ** 31 - 1)

const mode = oneOf(Object.keys(createModes) as CreateMode[])

/** ZooKeeper's limit: a TTL has five bytes. */
const ttlMs = wholeNumber(0, 2 ** 40 - 1)

const aclEntry = record({
  perms: wholeNumber(0, 31),
  scheme: text,
  id: text,
} satisfies RowsOf<Acl>)

const entries = listOf(aclEntry)

/** The server refuses a null ACL, with INVALIDACL. */
const acl: Kind<readonly Acl[] | null> = (value, name) =>
  value === null ? null : entries(value, name)

const watcher = callback<Watcher>()
const watcherType = oneOf(Object.keys(watcherTypes) as (keyof typeof watcherTypes)[])
const addWatchMode = oneOf(Object.keys(addWatchModes) as (keyof typeof addWatchModes)[])

const readOptions = optional(
  record({ linearizable: optional(flag, false) } satisfies RowsOf<ReadOptions>),
  { linearizable: false },
)

const createOptions = optional(
  record({
    mode: optional(mode),
    acl: optional(acl),
    ttlMs: optional(ttlMs),
  } satisfies RowsOf<CreateOptions>),
  { mode: undefined, acl: undefined, ttlMs: undefined },
)

type PartOf<Type extends MultiOp['type']> = Extract<MultiOp, { readonly type: Type }>

const createPart = record({
  type: always('create'),
  path: pathPrefix,
  data: bytesOrNull,
  mode,
  acl: optional(acl),
  ttlMs: optional(ttlMs),
} satisfies RowsOf<PartOf<'create'>>)

const multiPart = tagged({
  create: (value: unknown, name: string) => {
    const part = createPart(value, name)
    if (!isSequential(part.mode)) path(part.path, `${name}.path`)
    return part
  },
  delete: record({ type: always('delete'), path, version } satisfies RowsOf<PartOf<'delete'>>),
  setData: record({
    type: always('setData'),
    path,
    data: bytesOrNull,
    version,
  } satisfies RowsOf<PartOf<'setData'>>),
  check: record({ type: always('check'), path, version } satisfies RowsOf<PartOf<'check'>>),
}) satisfies Kind<MultiOp>

const readPart: Kind<ReadOp> = record({
  type: oneOf(['getData', 'getChildren'] as const),
  path,
} satisfies RowsOf<ReadOp>)

// --- methods ------------------------------------------------------------------------------------

const createArguments = method('create', {
  path: pathPrefix,
  data: optional(bytesOrNull, null),
  options: createOptions,
})

export const zkMethods = {
  addAuth: method('addAuth', { scheme: nonEmptyText, credential: secretBytes }),
  create: {
    name: createArguments.name,
    /** Which paths are valid depends on the mode. */
    take(given: readonly unknown[]) {
      const { path: at, data, options } = createArguments.take(given)
      const byTtl = options.ttlMs === undefined ? 'persistent' : 'persistentTtl'
      const mode: CreateMode = options.mode ?? byTtl
      if (!isSequential(mode)) path(at, 'path')
      return { path: at, data, mode, acl: options.acl, ttlMs: options.ttlMs }
    },
  },
  delete: method('delete', { path, version: optional(version, -1) }),
  exists: method('exists', { path, watcher: optional(watcher), options: readOptions }),
  getData: method('getData', { path, watcher: optional(watcher), options: readOptions }),
  getChildren: method('getChildren', { path, watcher: optional(watcher), options: readOptions }),
  getChildrenPage: method('getChildrenPage', {
    path,
    from: optional(wholeNumber(0, pagePlaceMax), 0),
  }),
  getConfig: method('getConfig', { watcher: optional(watcher) }),
  setData: method('setData', { path, data: bytesOrNull, version: optional(version, -1) }),
  getACL: method('getACL', { path }),
  setACL: method('setACL', { path, acl, version: optional(version, -1) }),
  getAllChildrenNumber: method('getAllChildrenNumber', { path }),
  getEphemerals: method('getEphemerals', { prefix: optional(pathPrefix, '/') }),
  sync: method('sync', { path: optional(path, '/') }),
  multi: method('multi', { ops: listOf(multiPart) }),
  multiRead: method('multiRead', { ops: listOf(readPart) }),
  addWatch: method('addWatch', { path, mode: addWatchMode, watcher }),
  checkWatches: method('checkWatches', { path, type: watcherType }),
  removeWatches: method('removeWatches', { path, type: watcherType, watcher: optional(watcher) }),
} as const

/** The error of a refused call: BADARGUMENTS, as in ZooKeeper's clients. */
export function badArgument(method: string, path: unknown, { message }: Misfit): ZkError {
  const at = typeof path === 'string' ? path : undefined
  const what = at === undefined || pathProblem(at) !== undefined ? method : `${method} ${at}`
  return new ZkError('BADARGUMENTS', at, `${what}: ${message} (BADARGUMENTS)`)
}

// --- options ------------------------------------------------------------------------------------

/** '' and / mean no chroot. */
const chroot: Kind<string> = (value, name) => {
  if (value === '' || value === '/') return ''
  return path(value, name)
}

const clientOptions = method('create a ZkClient', {
  options: record({
    servers: serverList(defaultClientPort),
    sessionTimeoutMs: optional(milliseconds, defaultSessionTimeoutMs),
    connectTimeoutMs: optional(millisecondsOrForever, defaultConnectTimeoutMs),
    chroot: optional(chroot),
    defaultAcl: optional(entries),
    dialect: optional(oneOf(dialectNames), 'native'),
    readOnly: optional(flag, false),
    logger: optional(having<Logger>('a logger', 'child', 'debug', 'info', 'warn', 'error')),
    tls: optional(tlsOption),
    world: optional(clientWorld),
  } satisfies RowsOf<ZkClientOptions>),
})

/** @throws ZkError BADARGUMENTS */
export function takeClientOptions(given: unknown) {
  try {
    const { servers: place, chroot, ...options } = clientOptions.take([given]).options
    if (chroot !== undefined && place.chroot !== '' && chroot !== place.chroot) {
      throw new Misfit(
        'options.chroot',
        `is '${chroot}', but options.servers has '${place.chroot}'`,
      )
    }
    return { ...options, servers: place.servers, chroot: chroot ?? place.chroot }
  } catch (error) {
    if (!(error instanceof Misfit)) throw error
    const message = `Cannot ${clientOptions.name}: ${error.message}`
    throw new ZkError('BADARGUMENTS', undefined, message)
  }
}
