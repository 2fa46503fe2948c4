// The access rules of the cluster as one broker knows them (acl-watch.ts), and what they allow. Kafka's
// rule: a super user may do everything; about a resource without any rule decides
// allow.everyone.if.no.acl.found; otherwise a rule has to allow it and none to deny it. Pure.
//
// Source: Kafka's AclAuthorizer (3.9).

import {
  type AccessRequest,
  type AclEntry,
  type AclOperation,
  type AclPattern,
  type AclResourceType,
  type AclRule,
  aclPath,
  everyName,
  isAllowed,
  matches,
} from '../../protocol/mq/acls.ts'

export interface AclPolicy {
  readonly superUsers: ReadonlySet<string>
  readonly allowsUnruled: boolean
}

interface Ruled {
  readonly pattern: AclPattern
  /** undefined: they cannot be read, and nothing is allowed */
  readonly entries: readonly AclEntry[] | undefined
}

/** Answers that are remembered until a rule changes. */
const knownMax = 10_000

export class ClusterAcls {
  readonly #policy: AclPolicy
  /** by path of the znode */
  readonly #literal = new Map<string, Ruled>()
  readonly #prefixed = new Map<string, Ruled>()
  readonly #known = new Map<string, boolean>()

  constructor(policy: AclPolicy) {
    this.#policy = policy
  }

  isSuperUser(principal: string): boolean {
    return this.#policy.superUsers.has(principal)
  }

  /** Paths of the znodes that are known. */
  *paths(): Iterable<string> {
    yield* this.#literal.keys()
    yield* this.#prefixed.keys()
  }

  *rules(): Iterable<AclRule> {
    for (const { pattern, entries = [] } of this.#all()) {
      for (const entry of entries) yield { ...pattern, ...entry }
    }
  }

  *#all(): Iterable<Ruled> {
    yield* this.#literal.values()
    yield* this.#prefixed.values()
  }

  /** @param entries undefined: they cannot be read. An empty list is no rule */
  set(pattern: AclPattern, entries: readonly AclEntry[] | undefined): void {
    const of = pattern.patternType === 'prefixed' ? this.#prefixed : this.#literal
    if (entries?.length === 0) of.delete(aclPath(pattern))
    else of.set(aclPath(pattern), { pattern, entries })
    this.#known.clear()
  }

  allows(request: AccessRequest): boolean {
    const { principal, host, operation, resourceType, name } = request
    if (this.#policy.superUsers.has(principal)) return true
    const key = JSON.stringify([principal, host, operation, resourceType, name])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const decided = this.#decide(request)
    if (this.#known.size >= knownMax) this.#known.clear()
    this.#known.set(key, decided)
    return decided
  }

  #decide(request: AccessRequest): boolean {
    const { resourceType, name } = request
    const ruled = this.#about(resourceType, name)
    if (ruled.length === 0) return this.#policy.allowsUnruled
    if (ruled.some(({ entries }) => entries === undefined)) return false
    return isAllowed(
      ruled.flatMap(({ entries = [] }) => entries),
      request,
    )
  }

  #about(resourceType: AclResourceType, name: string): readonly Ruled[] {
    const literal = [name, everyName].flatMap((one) => {
      const path = aclPath({ resourceType, patternType: 'literal', name: one })
      return this.#literal.get(path) ?? []
    })
    const prefixed = [...this.#prefixed.values()].filter(({ pattern }) => {
      return matches(pattern, resourceType, name)
    })
    return [...literal, ...prefixed]
  }

  /**
   * Whether some resource of a type may be used so: one that a rule allows, and that no rule denies
   * altogether. For producers, which may write if they may write anywhere (KIP-679).
   */
  allowsAny(request: Omit<AccessRequest, 'name'>): boolean {
    const { principal, host, operation, resourceType } = request
    if (this.#policy.superUsers.has(principal)) return true
    const of = [...this.#all()].filter(({ pattern }) => pattern.resourceType === resourceType)
    if (of.length === 0) return this.#policy.allowsUnruled
    const asks = (name: string, op: AclOperation) =>
      this.allows({ principal, host, operation: op, resourceType, name })
    return of.some(({ pattern: { name } }) => asks(name, operation))
  }
}
