// All znodes by path: what a Map of objects by path would be, in few objects (znode-table.ts). A path
// is followed from `/` down, name by name (name-index.ts), so no path is stored.
//
// `get` makes a view of a record. Used by ztree.ts and quotas.ts.

import { invariant } from '../../invariant.ts'
import { type KnownAcl, knownOpenAcl } from './acl-table.ts'
import { ManyChildren } from './many-children.ts'
import { NameIndex } from './name-index.ts'
import { StoredName } from './stored-name.ts'
import { lifetimes } from './uncommon.ts'
import { Znode, type ZnodeFields } from './znode.ts'
import { childCountWord, ZnodeTable } from './znode-table.ts'

/** Encoding fewer names for an answer takes 0.3 ms at most. */
const manyChildrenMin = 1024

const slash = 0x2f
const rootId = 1

export class Znodes {
  readonly #table = new ZnodeTable()
  readonly #index: NameIndex
  readonly #name = new StoredName()

  /** @param expected znodes that are about to be added */
  constructor(expected = 0) {
    this.#index = new NameIndex(this.#table, expected)
  }

  get size(): number {
    return this.#index.size
  }

  get(path: string): Znode | undefined {
    const id = this.#find(path)
    return id === 0 ? undefined : this.#view(id)
  }

  /** The child of `parent` that has the last name of `path`. */
  childOf(parent: Znode, path: string): Znode | undefined {
    const name = this.#name
    name.read(path, path.lastIndexOf('/') + 1)
    const id = this.#index.find(parent.id, name.hashUnder(parent.id), name)
    return id === 0 ? undefined : this.#view(id)
  }

  /**
   * Adds the znode at `path`; copies `fields.data`.
   *
   * @returns undefined if there is one already, or its name is empty
   */
  add(
    path: string,
    parent: Znode,
    fields: Omit<ZnodeFields, 'acl'>,
    acl = knownOpenAcl,
  ): Znode | undefined {
    const name = this.#name
    name.read(path, path.lastIndexOf('/') + 1)
    if (name.header === 0) return undefined
    const hash = name.hashUnder(parent.id)
    if (this.#index.find(parent.id, hash, name) !== 0) return undefined
    return this.#insert(parent, hash, fields, acl)
  }

  /** The same for one that is known not to be there. @param parent undefined for `/`, the first one */
  restore(
    path: string,
    parent: Znode | undefined,
    fields: Omit<ZnodeFields, 'acl'>,
    acl = knownOpenAcl,
  ): Znode {
    const name = this.#name
    name.read(path, path.lastIndexOf('/') + 1)
    return this.#insert(parent, name.hashUnder(parent?.id ?? 0), fields, acl)
  }

  /** Inserts a znode with the name that was read last. */
  #insert(
    parent: Znode | undefined,
    hash: number,
    fields: Omit<ZnodeFields, 'acl'>,
    acl: KnownAcl,
  ): Znode {
    const id = this.#table.allocate(this.#name, parent?.id ?? 0, fields.data)
    invariant((parent === undefined) === (id === rootId), 'the first znode is /, and has no parent')
    this.#index.add(id, hash)
    const znode = this.#view(id)
    znode.restore(fields)
    const { aversion, lifetime } = fields
    if (aversion !== 0 || lifetime !== lifetimes.endless || acl !== knownOpenAcl) {
      const uncommon = this.#table.makeUncommon(id)
      uncommon.acl = acl
      uncommon.aversion = aversion
      uncommon.lifetime = lifetime
    }
    if (parent !== undefined) this.#link(parent, id)
    return znode
  }

  /** Neither it nor any view of it may be used any more. It has no children. */
  remove(parent: Znode, { id }: Znode): void {
    this.#table.unlink(parent.id, id)
    const uncommon = this.#table.uncommonOf(parent.id)
    if (uncommon?.many !== undefined) {
      uncommon.many.delete(this.#table.name(id))
      // Half of the limit, so that a parent at the limit does not change with each child.
      if (uncommon.many.size <= manyChildrenMin / 2) uncommon.many = undefined
    }
    this.#index.remove(id)
    this.#table.free(id)
  }

  /** The znodes below one, at any depth, in no particular order. */
  *below({ id }: Readonly<Znode>): Generator<Znode> {
    const parents = [id]
    for (let parent = parents.pop(); parent !== undefined; parent = parents.pop()) {
      for (const child of this.#table.children(parent)) {
        yield this.#view(child)
        if (this.#table.get(child, childCountWord) > 0) parents.push(child)
      }
    }
  }

  #link(parent: Znode, id: number): void {
    const table = this.#table
    table.link(parent.id, id)
    const many = this.#table.uncommonOf(parent.id)?.many
    if (many !== undefined) many.add(table.name(id))
    else if (table.get(parent.id, childCountWord) >= manyChildrenMin) {
      this.#table.makeUncommon(parent.id).many = new ManyChildren(parent.names())
    }
  }

  #view(id: number): Znode {
    return new Znode(this.#table, id)
  }

  /** @returns 0 if there is none */
  #find(path: string): number {
    if (this.#index.size === 0 || path.charCodeAt(0) !== slash) return 0
    if (path.length === 1) return rootId
    const name = this.#name
    let id = rootId
    for (let start = 1; ; ) {
      const end = name.read(path, start)
      id = this.#index.find(id, name.hashUnder(id), name)
      if (id === 0 || end === path.length) return id
      start = end + 1
    }
  }
}
