// Access rules of the brokers: who may do what with which topics, groups, and the cluster. They lie in
// ZooWeeper where Kafka keeps them, one znode for all rules of a pattern; brokers and `zw acls` read and
// write them. Pure.
//
//   /kafka-acl/Topic/goals                      of the topic goals; * stands for every topic
//   /kafka-acl-extended/prefixed/Topic/team-    of the topics whose names begin like this
//
//   {"version":1,"acls":[{"principal":"User:ann","permissionType":"Allow","operation":"Read","host":"*"}]}
//
// Source: Kafka's ZkData, AclEntry and AclAuthorizer (3.9), KIP-290.

import { asObject, objectOf } from '../../json.ts'

/** What a rule is about, with its number in Kafka's protocol. */
export const aclResourceTypes = { topic: 2, group: 3, cluster: 4, transactionalId: 5 } as const
export type AclResourceType = keyof typeof aclResourceTypes

export const aclPatternTypes = { literal: 3, prefixed: 4 } as const
export type AclPatternType = keyof typeof aclPatternTypes

export const aclOperations = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  clusterAction: 9,
  describeConfigs: 10,
  alterConfigs: 11,
  idempotentWrite: 12,
} as const
export type AclOperation = keyof typeof aclOperations

export const aclPermissions = { deny: 2, allow: 3 } as const
export type AclPermission = keyof typeof aclPermissions

/** The resources that a rule is about. */
export interface AclPattern {
  readonly resourceType: AclResourceType
  readonly patternType: AclPatternType
  /** * as a literal name: every resource of the type */
  readonly name: string
}

export interface AclEntry {
  /** User:NAME; User:* for everyone */
  readonly principal: string
  /** an address, or * */
  readonly host: string
  readonly operation: AclOperation
  readonly permission: AclPermission
}

export interface AclRule extends AclPattern, AclEntry {}

/** The only name of the resource type cluster. */
export const clusterName = 'kafka-cluster'
export const everyName = '*'
export const everyHost = '*'
export const everyUser = 'User:*'
/** of a client that has not authenticated itself */
export const anonymous = 'User:ANONYMOUS'

// --- deciding ------------------------------------------------------------------------------------

export interface AccessRequest {
  readonly principal: string
  readonly host: string
  readonly operation: AclOperation
  readonly resourceType: AclResourceType
  readonly name: string
}

/** Operations that include another one. */
const including: Partial<Record<AclOperation, readonly AclOperation[]>> = {
  describe: ['read', 'write', 'delete', 'alter'],
  describeConfigs: ['alterConfigs'],
}

/**
 * Whether rules about the resource allow a request. A denial outweighs every permission, also one that
 * includes the operation.
 *
 * @param entries of all patterns that match the resource
 */
export function isAllowed(entries: readonly AclEntry[], request: AccessRequest): boolean {
  const { principal, host, operation } = request
  const applies = (entry: AclEntry, operations: readonly AclOperation[]): boolean =>
    (entry.principal === principal || entry.principal === everyUser) &&
    (entry.host === host || entry.host === everyHost) &&
    operations.includes(entry.operation)
  const denying: readonly AclOperation[] = [operation, 'all']
  const allowing = [...denying, ...(including[operation] ?? [])]
  const isDenied = entries.some((one) => one.permission === 'deny' && applies(one, denying))
  if (isDenied) return false
  return entries.some((one) => one.permission === 'allow' && applies(one, allowing))
}

export function matches(pattern: AclPattern, type: AclResourceType, name: string): boolean {
  if (pattern.resourceType !== type) return false
  if (pattern.patternType === 'prefixed') return name.startsWith(pattern.name)
  return pattern.name === name || pattern.name === everyName
}

// --- znodes --------------------------------------------------------------------------------------

const literalRoot = '/kafka-acl'
const extendedRoot = '/kafka-acl-extended'
const prefixedRoot = `${extendedRoot}/prefixed`

const typeNames: Readonly<Record<AclResourceType, string>> = {
  topic: 'Topic',
  group: 'Group',
  cluster: 'Cluster',
  transactionalId: 'TransactionalId',
}

/** Znodes that patterns lie below, parents first. */
export const aclRoots: readonly string[] = [
  literalRoot,
  ...Object.values(typeNames).map((name) => `${literalRoot}/${name}`),
  extendedRoot,
  prefixedRoot,
  ...Object.values(typeNames).map((name) => `${prefixedRoot}/${name}`),
]

/** Roots of all rules, to be watched. */
export const aclTrees: readonly string[] = [literalRoot, extendedRoot]

/** Parents of the znodes of patterns. */
export const aclParents: readonly string[] = [literalRoot, prefixedRoot].flatMap((root) =>
  Object.values(typeNames).map((name) => `${root}/${name}`),
)

/** Escapes only what a znode's name cannot have: Kafka writes the names as they are. */
export function aclPath({ resourceType, patternType, name }: AclPattern): string {
  const root = patternType === 'prefixed' ? prefixedRoot : literalRoot
  return `${root}/${typeNames[resourceType]}/${znodeName(name)}`
}

function znodeName(name: string): string {
  const escaped = name.replaceAll(/[%/\p{Cc}\p{Cs}\p{Co}\ufff0-\uffff]/gu, encodeURIComponent)
  return /^\.{1,2}$/.test(escaped) ? escaped.replaceAll('.', '%2E') : escaped
}

/** @returns undefined for a path of no pattern */
export function patternOf(path: string): AclPattern | undefined {
  const patternType = path.startsWith(`${prefixedRoot}/`) ? 'prefixed' : 'literal'
  const root = patternType === 'prefixed' ? prefixedRoot : literalRoot
  if (!path.startsWith(`${root}/`)) return undefined
  const [typeName, name, ...rest] = path.slice(root.length + 1).split('/')
  const found = Object.entries(typeNames).find(([, each]) => each === typeName)
  if (found === undefined || name === undefined || name === '' || rest.length > 0) return undefined
  try {
    const resourceType = found[0] as AclResourceType
    return { resourceType, patternType, name: decodeURIComponent(name) }
  } catch {
    return undefined // a % that escapes nothing
  }
}

export function encodeEntries(entries: readonly AclEntry[]): string {
  const acls = entries.map(({ principal, permission, operation, host }) => {
    const [permissionType, operationName] = [capital(permission), capital(operation)]
    return { principal, permissionType, operation: operationName, host }
  })
  return JSON.stringify({ version: 1, acls })
}

/** @returns undefined if a rule cannot be read: it might be a denial */
export function decodeEntries(data: Buffer | null): readonly AclEntry[] | undefined {
  const { acls } = objectOf(data)
  if (!Array.isArray(acls)) return undefined
  const entries: AclEntry[] = []
  for (const each of acls) {
    const found = asObject(each)
    const { principal, host } = found
    const permission = nameIn(aclPermissions, found['permissionType'])
    const operation = nameIn(aclOperations, found['operation'])
    if (typeof principal !== 'string' || typeof host !== 'string') return undefined
    if (permission === undefined || operation === undefined) return undefined
    entries.push({ principal, host, operation, permission })
  }
  return entries
}

function capital(name: string): string {
  return `${name[0]?.toUpperCase()}${name.slice(1)}`
}

function nameIn<Name extends string>(names: Readonly<Record<Name, number>>, text: unknown) {
  return (Object.keys(names) as Name[]).find((name) => capital(name) === text)
}

export function sameEntry(a: AclEntry, b: AclEntry): boolean {
  return (
    a.principal === b.principal &&
    a.host === b.host &&
    a.operation === b.operation &&
    a.permission === b.permission
  )
}

/** @returns why no rule can be about this; undefined: one can */
export function patternProblem({
  resourceType,
  patternType,
  name,
}: AclPattern): string | undefined {
  if (name === '') return 'the name is empty'
  if (name.length > 249) return 'the name has more than 249 characters'
  if (resourceType === 'cluster' && (name !== clusterName || patternType !== 'literal')) {
    return `the only name of a cluster is ${clusterName}, as a literal`
  }
  return undefined
}

/** @returns why no rule can say this; undefined: one can */
export function entryProblem({ principal, host }: AclEntry): string | undefined {
  if (!/^User:./u.test(principal)) return `'${principal}' is no principal: User:NAME, or User:*`
  return host === '' ? 'the host is empty: an address, or *' : undefined
}

const operationsOf: Readonly<Record<AclResourceType, readonly AclOperation[]>> = {
  topic: [
    'read',
    'write',
    'create',
    'delete',
    'alter',
    'describe',
    'describeConfigs',
    'alterConfigs',
  ],
  group: ['read', 'delete', 'describe'],
  cluster: [
    'create',
    'alter',
    'describe',
    'clusterAction',
    'describeConfigs',
    'alterConfigs',
    'idempotentWrite',
  ],
  transactionalId: ['write', 'describe'],
}

/** Whether an operation exists for a type of resources. */
export function mayApply(operation: AclOperation, type: AclResourceType): boolean {
  return operation === 'all' || operationsOf[type].includes(operation)
}
