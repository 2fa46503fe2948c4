// DescribeAcls, CreateAcls and DeleteAcls: rules of access, for administrators.
//
// Next on the path: api/acls.ts.

import { inverse } from '../../protocol/fields.ts'
import type { CreateAclsRequest, CreateAclsResponse } from '../../protocol/kafka/api/create-acls.ts'
import type { DeleteAclsRequest, DeleteAclsResponse } from '../../protocol/kafka/api/delete-acls.ts'
import type {
  DescribeAclsRequest,
  DescribeAclsResponse,
} from '../../protocol/kafka/api/describe-acls.ts'
import {
  type AclRule,
  aclOperations,
  aclPath,
  aclPatternTypes,
  aclPermissions,
  aclResourceTypes,
  clusterName,
  entryProblem,
  matches,
  mayApply,
  patternProblem,
} from '../../protocol/mq/acls.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Outcome } from '../../protocol/mq/messages.ts'
import { addRule, removeRule } from '../api/acls.ts'
import { asBrokerError } from '../api/answer.ts'
import type { BrokerParts } from '../api/broker-parts.ts'
import { errorOf, type KafkaContext, type KafkaReply, numberOf } from './serving.ts'

const resourceTypes = inverse(aclResourceTypes)
const patternTypes = inverse(aclPatternTypes)
const operations = inverse(aclOperations)
const permissions = inverse(aclPermissions)

/** In filters; the pattern `matching` takes all patterns that match the name. */
const [any, matching] = [1, 2]

type Rules = NonNullable<BrokerParts['acls']>

export function answerDescribeAcls(
  context: KafkaContext,
  filter: DescribeAclsRequest,
  reply: KafkaReply<DescribeAclsResponse>,
): void {
  const rules = orError(() => matchingRules(ruled(context, 'describe'), filter))
  if (rules instanceof BrokerError) {
    const { code, message } = rules
    reply.send({ errorCode: numberOf(code), errorMessage: message, resources: [] })
    return
  }
  const byPath = new Map<string, AclRule[]>()
  for (const rule of rules) {
    const path = aclPath(rule)
    byPath.set(path, [...(byPath.get(path) ?? []), rule])
  }
  reply.send({
    errorCode: numberOf('NONE'),
    resources: [...byPath.values()].flatMap((all) => {
      const [first] = all
      // biome-ignore lint/plugin/noObjectSpread: for administrators
      return first === undefined ? [] : [{ ...patternRow(first), acls: all.map(entryRow) }]
    }),
  })
}

export function answerCreateAcls(
  context: KafkaContext,
  { creations }: CreateAclsRequest,
  reply: KafkaReply<CreateAclsResponse>,
): void {
  const outcomes = creations.map((asked) => outcomeOf(() => create(context, asked)))
  void Promise.all(outcomes).then((all) => {
    reply.send({
      results: all.map((outcome) => {
        return { errorCode: errorOf(outcome), errorMessage: outcome.error?.message ?? null }
      }),
    })
  })
}

async function create(
  context: KafkaContext,
  asked: CreateAclsRequest['creations'][number],
): Promise<void> {
  ruled(context, 'alter')
  await addRule(context.parts, ruleOf(asked))
}

/** @throws BrokerError */
function ruleOf(asked: CreateAclsRequest['creations'][number]): AclRule {
  const { resourceName: name, principal, host } = asked
  const refuse = (found: string) =>
    new BrokerError('INVALID_REQUEST', `Cannot add a rule about '${name}': ${found}`)
  const resourceType = resourceTypes.get(asked.resourceType)
  const patternType = patternTypes.get(asked.resourcePatternType)
  const operation = operations.get(asked.operation)
  const permission = permissions.get(asked.permissionType)
  if (resourceType === undefined) throw refuse(`there are none of type ${asked.resourceType}`)
  if (patternType === undefined) throw refuse('its pattern is neither literal (3) nor prefixed (4)')
  if (operation === undefined) throw refuse(`${asked.operation} is no operation`)
  if (permission === undefined) throw refuse('it neither allows (3) nor denies (2)')
  if (!mayApply(operation, resourceType))
    throw refuse(`a ${resourceType} has no operation ${operation}`)
  const rule = { resourceType, patternType, name, principal, host, operation, permission }
  const problem = patternProblem(rule) ?? entryProblem(rule)
  if (problem !== undefined) throw refuse(problem)
  return rule
}

export function answerDeleteAcls(
  context: KafkaContext,
  { filters }: DeleteAclsRequest,
  reply: KafkaReply<DeleteAclsResponse>,
): void {
  const results = filters.map(async (filter) => {
    const rules = orError(() => matchingRules(ruled(context, 'alter'), filter))
    if (rules instanceof BrokerError) {
      const { code, message } = rules
      return { errorCode: numberOf(code), errorMessage: message, matchingAcls: [] }
    }
    const removed = rules.map(async (rule) => {
      const outcome = await outcomeOf(() => removeRule(context.parts, rule))
      const row = { errorCode: errorOf(outcome), errorMessage: outcome.error?.message ?? null }
      // biome-ignore lint/plugin/noObjectSpread: for administrators
      return { ...row, ...patternRow(rule), ...entryRow(rule) }
    })
    return { errorCode: numberOf('NONE'), matchingAcls: await Promise.all(removed) }
  })
  void Promise.all(results).then((filterResults) => reply.send({ filterResults }))
}

/** @throws BrokerError for a client that may not; if there are no rules */
function ruled({ parts, access }: KafkaContext, operation: 'describe' | 'alter'): Rules {
  if (parts.acls === undefined) {
    const found = 'this broker has none: acls is false'
    throw new BrokerError('SECURITY_DISABLED', `Cannot ${operation} rules of access: ${found}`)
  }
  if (!access.mayCluster(operation)) throw access.refusal('cluster', operation, clusterName)
  return parts.acls
}

/** @throws BrokerError for a filter that has no meaning */
function matchingRules(acls: Rules, filter: DescribeAclsRequest): readonly AclRule[] {
  const { resourceNameFilter: name, principalFilter, hostFilter } = filter
  const pattern = filter.patternTypeFilter
  const resourceType = wanted(resourceTypes, filter.resourceTypeFilter, 'a type of resources')
  const operation = wanted(operations, filter.operation, 'an operation')
  const permission = wanted(permissions, filter.permissionType, 'a permission')
  const patternType =
    pattern === matching ? undefined : wanted(patternTypes, pattern, 'a type of patterns')
  const concerns = (rule: AclRule): boolean => {
    if (name === null) return true
    return pattern === matching ? matches(rule, rule.resourceType, name) : rule.name === name
  }
  return [...acls.rules()].filter(
    (rule) =>
      (resourceType ?? rule.resourceType) === rule.resourceType &&
      (patternType ?? rule.patternType) === rule.patternType &&
      (operation ?? rule.operation) === rule.operation &&
      (permission ?? rule.permission) === rule.permission &&
      (principalFilter ?? rule.principal) === rule.principal &&
      (hostFilter ?? rule.host) === rule.host &&
      concerns(rule),
  )
}

/** @returns undefined: any. @throws BrokerError */
function wanted<Name>(
  names: ReadonlyMap<number, Name>,
  number: number,
  what: string,
): Name | undefined {
  if (number === any) return undefined
  const found = names.get(number)
  if (found !== undefined) return found
  throw new BrokerError('INVALID_REQUEST', `Cannot find rules of access: ${number} is not ${what}`)
}

function patternRow({ resourceType, name, patternType }: AclRule) {
  return {
    resourceType: aclResourceTypes[resourceType],
    resourceName: name,
    patternType: aclPatternTypes[patternType],
  }
}

function entryRow({ principal, host, operation, permission }: AclRule) {
  const permissionType = aclPermissions[permission]
  return { principal, host, operation: aclOperations[operation], permissionType }
}

function orError<T>(find: () => T): T | BrokerError {
  try {
    return find()
  } catch (error) {
    return asBrokerError(error)
  }
}

async function outcomeOf(change: () => Promise<void>): Promise<Outcome> {
  try {
    await change()
    return { error: undefined }
  } catch (error) {
    return { error: failureOf(asBrokerError(error)) }
  }
}
