// A broker's claim to coordinate a group: the version of one znode of the group,
// /consumers/G/coordinator. A broker claims the group by writing this znode, and each of its later
// writes for the group checks the version that it wrote. So a coordinator that does not know that
// it was deposed can neither begin a generation nor commit an offset.
//
// Next on the path: ZooWeeper, by cluster/zk-access.ts.

import { ZkMultiError } from '../../client/zk/errors.ts'
import { limits } from '../../limits.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { BrokerId } from '../../protocol/mq/messages.ts'
import { parentOf } from '../../protocol/path.ts'
import type { MultiOp } from '../../protocol/zk/messages.ts'
import type { ZkAccess } from '../cluster/zk-access.ts'
import { decodeGroupGeneration, encodeGroupOwner, zkPaths } from '../cluster/zk-paths.ts'
import { childrenOf, createWithParents, hasCode, makeSure } from './znodes.ts'

/**
 * Attempts of a write that concurrent writers can make fail. Only endless interference uses them
 * up.
 */
const triesMax = 10

export interface CommitWrite {
  readonly path: string
  readonly data: string
}

interface Owner {
  readonly broker: BrokerId
  readonly brokerEpoch: number
}

export class GroupClaim {
  readonly #group: string
  readonly #owner: Owner
  /** version of the znode after our last write */
  #version: number
  /** last generation recorded before the claim */
  readonly generation: number
  /** offset znodes known to exist */
  readonly #known = new Set<string>()

  private constructor(
    group: string,
    owner: Owner,
    claimed: { readonly version: number; readonly generation: number },
  ) {
    this.#group = group
    this.#owner = owner
    this.#version = claimed.version
    this.generation = claimed.generation
  }

  /** @param group its name as a znode. @throws BrokerError NOT_COORDINATOR, ZkError */
  static async take(zk: ZkAccess, group: string, owner: Owner): Promise<GroupClaim> {
    const path = zkPaths.groupCoordinator(group)
    const encode = (generation: number) => {
      const { broker, brokerEpoch } = owner
      return encodeGroupOwner({ broker, brokerEpoch, generation })
    }
    for (let i = 0; i < triesMax; i++) {
      try {
        if ((await zk.exists(path)) === undefined) {
          await createWithParents(zk, path, encode(0))
          return new GroupClaim(group, owner, { version: 0, generation: 0 })
        }
        const { data, stat } = await zk.getData(path)
        const generation = decodeGroupGeneration(data)
        const { version } = await zk.setData(path, encode(generation), stat.version)
        return new GroupClaim(group, owner, { version, generation })
      } catch (error) {
        if (!hasCode(error, 'NODEEXISTS', 'NONODE', 'BADVERSION')) throw error
      }
    }
    throw notCoordinator(`claim group '${group}'`, 'other brokers keep claiming it')
  }

  get #path(): string {
    return zkPaths.groupCoordinator(this.#group)
  }

  /** Records a generation. @throws BrokerError NOT_COORDINATOR, ZkError */
  async begin(zk: ZkAccess, generation: number): Promise<void> {
    const { broker, brokerEpoch } = this.#owner
    const data = encodeGroupOwner({ broker, brokerEpoch, generation })
    try {
      this.#version = (await zk.setData(this.#path, data, this.#version)).version
    } catch (error) {
      if (!hasCode(error, 'BADVERSION', 'NONODE')) throw error
      throw this.#deposed(`begin generation ${generation}`)
    }
  }

  /**
   * Writes offsets in batches of several hundred, while this broker holds the claim.
   *
   * @throws BrokerError NOT_COORDINATOR, ZkError
   */
  async commit(zk: ZkAccess, writes: readonly CommitWrite[]): Promise<void> {
    for (const some of inParts(writes)) await this.#commitSome(zk, some)
  }

  async #commitSome(zk: ZkAccess, writes: readonly CommitWrite[]): Promise<void> {
    for (let i = 1; ; i++) {
      await this.#prepare(zk, writes)
      try {
        await this.#guarded(
          zk,
          'commit',
          writes.map((write) => this.#writeOp(write)),
        )
        for (const { path } of writes) this.#known.add(path)
        return
      } catch (error) {
        // Another writer created or deleted one of the znodes concurrently.
        if (!hasCode(error, 'NODEEXISTS', 'NONODE') || i === triesMax) throw error
        for (const { path } of writes) this.#known.delete(path)
      }
    }
  }

  /** Finds out which znodes exist, and creates the parents of the others. */
  async #prepare(zk: ZkAccess, writes: readonly CommitWrite[]): Promise<void> {
    const parents = new Set<string>()
    const unknown = writes.filter(({ path }) => !this.#known.has(path))
    const looks = unknown.map(async ({ path }) => {
      if ((await zk.exists(path)) === undefined) parents.add(parentOf(path))
      else this.#known.add(path)
    })
    await Promise.all(looks)
    for (const parent of parents) await makeSure(zk, parent)
  }

  #writeOp({ path, data }: CommitWrite): MultiOp {
    const bytes = Buffer.from(data)
    return this.#known.has(path)
      ? { type: 'setData', path, data: bytes, version: -1 }
      : { type: 'create', path, data: bytes, mode: 'persistent' }
  }

  /**
   * Deletes the group with everything stored for it. @throws BrokerError NOT_COORDINATOR, ZkError
   */
  async remove(zk: ZkAccess): Promise<void> {
    const root = zkPaths.group(this.#group)
    const below = (await pathsBelow(zk, root)).filter((path) => path !== this.#path)
    const doomed = below.map((path): CommitWrite => ({ path, data: '' }))
    for (const some of inParts(doomed)) {
      const ops = some.map(({ path }): MultiOp => ({ type: 'delete', path, version: -1 }))
      await this.#guarded(zk, 'delete the group', ops)
    }
    await this.#guarded(zk, 'delete the group', [
      { type: 'delete', path: this.#path, version: -1 },
      { type: 'delete', path: root, version: -1 },
    ])
  }

  /** Applies all operations, or none if the claim is lost. */
  async #guarded(zk: ZkAccess, what: string, ops: readonly MultiOp[]): Promise<void> {
    try {
      await zk.multi([{ type: 'check', path: this.#path, version: this.#version }, ...ops])
    } catch (error) {
      if (error instanceof ZkMultiError && error.index === 0) throw this.#deposed(what)
      throw error
    }
  }

  #deposed(what: string): BrokerError {
    return notCoordinator(`${what} of group '${this.#group}'`, 'another broker claimed it')
  }
}

export function notCoordinator(what: string, found: string): BrokerError {
  return new BrokerError('NOT_COORDINATOR', `Cannot ${what}: ${found}`)
}

function* inParts(writes: readonly CommitWrite[]): Generator<readonly CommitWrite[]> {
  let part: CommitWrite[] = []
  let bytes = 0
  for (const write of writes) {
    const size = write.path.length + Buffer.byteLength(write.data)
    const isFull =
      part.length >= limits.commitsPerMultiMax || bytes + size > limits.commitBytesPerMultiMax
    if (isFull) {
      yield part
      part = []
      bytes = 0
    }
    part.push(write)
    bytes += size
  }
  if (part.length > 0) yield part
}

/** Children before their parents. */
async function pathsBelow(zk: ZkAccess, path: string): Promise<string[]> {
  const found: string[] = []
  for (const name of (await childrenOf(zk, path)) ?? []) {
    const child = `${path}/${name}`
    found.push(...(await pathsBelow(zk, child)), child)
  }
  return found
}
