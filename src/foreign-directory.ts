// Recognises the owner of a data directory by its files. A directory that another program filled is
// refused at startup: its owner expects that data to be served, and would find an empty system
// instead.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Owner = 'zooweeperd' | 'mimicqd'

interface Trace {
  readonly program: string
  /** The first of its files that exists; undefined if none does. */
  readonly find: (files: Files) => string | undefined
}

const own: Readonly<Record<Owner, Trace>> = {
  zooweeperd: {
    program: 'zooweeperd, a ZooWeeper server',
    find: (files) => (files.begins('meta', /^[0-9a-f]{8} \{"formatVersion"/) ? 'meta' : undefined),
  },
  mimicqd: {
    program: 'mimicqd, a Mimic Queue broker',
    find: (files) => files.first('broker.json'),
  },
}

export const zooKeeper = 'ZooKeeper'

/** Source: FileTxnSnapLog.java and QuorumPeer.java; a directory without any of these holds no data. */
const zooKeeperFile = /^((log|snapshot)\.[0-9a-fA-F]+(\.\w+)?|acceptedEpoch|currentEpoch)$/

const foreign: readonly Trace[] = [
  {
    program: zooKeeper,
    find: (files) => files.match('version-2', zooKeeperFile) ?? files.match('', zooKeeperFile),
  },
  {
    program: 'Kafka',
    find: (files) =>
      files.first('meta.properties', 'recovery-point-offset-checkpoint', '.kafka_cleanshutdown'),
  },
  { program: 'etcd', find: (files) => files.first('member/wal', 'member/snap') },
  { program: 'Consul', find: (files) => files.first('raft/raft.db', 'serf/local.snapshot') },
  { program: 'BookKeeper', find: (files) => files.first('current/VERSION') },
  { program: 'PostgreSQL', find: (files) => files.first('PG_VERSION') },
]

export interface Foreign {
  readonly program: string
  /** relative to the directory */
  readonly file: string
}

/**
 * @param directory may be missing
 * @returns undefined if the directory is `owner`'s, empty, or not recognised as another program's
 * @throws what the file system throws if the directory exists and cannot be read
 */
export function foreignData(directory: string, owner: Owner): Foreign | undefined {
  const files = new Files(directory)
  if (own[owner].find(files) !== undefined) return undefined
  for (const { program, find } of [own.zooweeperd, own.mimicqd, ...foreign]) {
    const file = find(files)
    if (file !== undefined) return { program, file }
  }
  return undefined
}

/** Whether it holds data of `owner`. @throws like `foreignData` */
export function isOwn(directory: string, owner: Owner): boolean {
  return own[owner].find(new Files(directory)) !== undefined
}

/** The contents of a directory, listed once per folder. */
class Files {
  readonly #directory: string
  readonly #listed = new Map<string, readonly string[]>()

  constructor(directory: string) {
    this.#directory = directory
  }

  /** The first of these paths that exists. */
  first(...paths: readonly string[]): string | undefined {
    return paths.find((path) => {
      const at = path.lastIndexOf('/')
      return this.#list(path.slice(0, Math.max(0, at))).includes(path.slice(at + 1))
    })
  }

  /** A file in `folder` whose name matches. */
  match(folder: string, name: RegExp): string | undefined {
    const found = this.#list(folder).find((each) => name.test(each))
    return found === undefined ? undefined : join(folder, found)
  }

  begins(path: string, text: RegExp): boolean {
    if (this.first(path) === undefined) return false
    try {
      return text.test(readFileSync(join(this.#directory, path), 'latin1'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EISDIR') return false
      throw error
    }
  }

  #list(folder: string): readonly string[] {
    const known = this.#listed.get(folder)
    if (known !== undefined) return known
    const names = listIfDirectory(join(this.#directory, folder))
    this.#listed.set(folder, names)
    return names
  }
}

function listIfDirectory(path: string): readonly string[] {
  try {
    return readdirSync(path).sort()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return []
    throw error
  }
}
