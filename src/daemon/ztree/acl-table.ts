// Access control lists by value: thousands of znodes share one, so it is stored, and hashed for the
// digest, once. A list is dropped with its last znode.

import { type Acl, openAcl } from '../../protocol/records.ts'
import { aclText } from './acl.ts'
import { type Digest, Hash } from './digest.ts'

/** The same object for equal lists. */
export interface KnownAcl {
  readonly list: readonly Acl[]
  readonly text: string
  /** of the list itself: independent of the order in which lists were added */
  readonly digest: Digest
  users: number
}

/** The open list: free, and not counted. */
export const knownOpenAcl: KnownAcl = {
  list: openAcl,
  text: aclText(openAcl),
  digest: { high: 0, low: 0 },
  users: 0,
}

export class AclTable {
  readonly #byText = new Map<string, KnownAcl>()
  readonly #hash = new Hash()
  #last = knownOpenAcl

  get size(): number {
    return this.#byText.size
  }

  /** To be released once the znode no longer has it. */
  share(list: readonly Acl[]): KnownAcl {
    if (list === openAcl) return knownOpenAcl
    if (list !== this.#last.list) this.#last = this.#find(list)
    this.#last.users++
    return this.#last
  }

  release(known: KnownAcl): void {
    if (known === knownOpenAcl || --known.users > 0) return
    this.#byText.delete(known.text)
    if (this.#last === known) this.#last = knownOpenAcl
  }

  #find(list: readonly Acl[]): KnownAcl {
    const text = aclText(list)
    const found = this.#byText.get(text)
    if (found !== undefined) return found
    this.#hash.reset().text(text)
    this.#hash.finish()
    const { high, low } = this.#hash
    const known = { list, text, digest: { high, low }, users: 0 }
    this.#byText.set(text, known)
    return known
  }
}
