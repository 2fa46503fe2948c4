// DescribeConfigs, AlterConfigs and IncrementalAlterConfigs, for topics and brokers. Kafka names all
// brokers by an empty name.
//
// Next on the path: api/describe-configs.ts, api/alter-configs.ts.

import { inverse } from '../../protocol/fields.ts'
import type {
  AlterConfigsRequest,
  AlterConfigsResponse,
} from '../../protocol/kafka/api/alter-configs.ts'
import type {
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from '../../protocol/kafka/api/describe-configs.ts'
import type {
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse,
} from '../../protocol/kafka/api/incremental-alter-configs.ts'
import { clusterName } from '../../protocol/mq/acls.ts'
import {
  allBrokers,
  type ConfigChange,
  type ConfigChanges,
  type ConfigEntity,
  type ConfigEntry,
  configEntityTypes,
  configOperations,
  configSources,
  configTypes,
  type DescribedConfigs,
} from '../../protocol/mq/configs.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf, type Outcome } from '../../protocol/mq/messages.ts'
import { ask, errorOf, type KafkaContext, type KafkaReply } from './serving.ts'
import { Split } from './split.ts'

const entityTypes = inverse(configEntityTypes)
const operations = inverse(configOperations)

interface Resource {
  readonly resourceType: number
  readonly resourceName: string
}

/** @returns an error for a type that has no configuration here, and for a client that may not */
function entityOf(
  { access }: KafkaContext,
  operation: 'describeConfigs' | 'alterConfigs',
  { resourceType, resourceName }: Resource,
): ConfigEntity | BrokerError {
  const type = entityTypes.get(resourceType)
  if (type === undefined) {
    const found = 'topics are of type 2, brokers of type 4'
    const what = `Cannot configure resource '${resourceName}' of type ${resourceType}`
    return new BrokerError('INVALID_REQUEST', `${what}: ${found}`)
  }
  if (type === 'topic' && !access.mayTopic(operation, resourceName)) {
    return access.refusal('topic', operation, resourceName)
  }
  if (type === 'broker' && !access.mayCluster(operation)) {
    return access.refusal('cluster', operation, clusterName)
  }
  return { type, name: type === 'broker' && resourceName === '' ? allBrokers : resourceName }
}

// --- DescribeConfigs -----------------------------------------------------------------------------

type Described = Pick<DescribedConfigs, 'error' | 'entries'>

export function answerDescribeConfigs(
  context: KafkaContext,
  { resources, includeSynonyms, includeDocumentation }: DescribeConfigsRequest,
  reply: KafkaReply<DescribeConfigsResponse>,
): void {
  const split = new Split(
    resources.map((resource) => {
      const entity = entityOf(context, 'describeConfigs', resource)
      if (entity instanceof BrokerError) return entity
      const { type, name } = entity
      return { type, name, keys: resource.configurationKeys ?? undefined }
    }),
  )
  ask(context, { type: 'describeConfigs', entities: split.accepted }, (answer) => {
    const given = answer instanceof BrokerError ? answer : answer.entities
    const answers = split.join<Described>(given, (error) => {
      return { error: failureOf(error), entries: [] }
    })
    reply.send({
      results: answers.forEach(resources, ({ resourceType, resourceName }, described) => ({
        errorCode: errorOf(described),
        errorMessage: described.error?.message ?? null,
        resourceType,
        resourceName,
        configs: described.entries.map((entry) => {
          return configRow(entry, { includeSynonyms, includeDocumentation })
        }),
      })),
    })
  })
}

type Included = Pick<DescribeConfigsRequest, 'includeSynonyms' | 'includeDocumentation'>

function configRow(entry: ConfigEntry, { includeSynonyms, includeDocumentation }: Included) {
  const { name, value, source, isReadOnly, type, about, synonyms } = entry
  return {
    name,
    value: value ?? null,
    readOnly: isReadOnly,
    isDefault: source === 'default',
    configSource: configSources[source],
    isSensitive: false,
    synonyms: includeSynonyms
      ? synonyms.map((each) => {
          return { name: each.name, value: each.value ?? null, source: configSources[each.source] }
        })
      : [],
    configType: configTypes[type],
    documentation: includeDocumentation ? about : null,
  }
}

// --- changes -------------------------------------------------------------------------------------

export function answerAlterConfigs(
  context: KafkaContext,
  { resources, validateOnly }: AlterConfigsRequest,
  reply: KafkaReply<AlterConfigsResponse>,
): void {
  const changes = resources.map((resource) => {
    const sets = resource.configs.map(({ name, value }) => {
      return { name, operation: 'set', value: value ?? undefined } as const
    })
    return changesOf(context, resource, sets)
  })
  alter(context, resources, { changes, validateOnly, replaces: true }, reply)
}

export function answerIncrementalAlterConfigs(
  context: KafkaContext,
  { resources, validateOnly }: IncrementalAlterConfigsRequest,
  reply: KafkaReply<IncrementalAlterConfigsResponse>,
): void {
  const changes = resources.map((resource) => {
    const asked: ConfigChange[] = []
    for (const { name, configOperation, value } of resource.configs) {
      const operation = operations.get(configOperation)
      if (operation === undefined) {
        const found = `${configOperation} is no operation on ${name}`
        const what = `Cannot configure '${resource.resourceName}'`
        return new BrokerError('INVALID_REQUEST', `${what}: ${found}`)
      }
      asked.push({ name, operation, value: value ?? undefined })
    }
    return changesOf(context, resource, asked)
  })
  alter(context, resources, { changes, validateOnly, replaces: false }, reply)
}

function changesOf(
  context: KafkaContext,
  resource: Resource,
  changes: readonly ConfigChange[],
): ConfigChanges | BrokerError {
  const entity = entityOf(context, 'alterConfigs', resource)
  if (entity instanceof BrokerError) return entity
  const { type, name } = entity
  return { type, name, changes }
}

interface Alteration {
  readonly changes: readonly (ConfigChanges | BrokerError)[]
  readonly validateOnly: boolean
  readonly replaces: boolean
}

function alter(
  context: KafkaContext,
  resources: readonly Resource[],
  { changes, validateOnly, replaces }: Alteration,
  reply: KafkaReply<AlterConfigsResponse>,
): void {
  const split = new Split(changes)
  const request = {
    type: 'alterConfigs',
    validateOnly,
    replaces,
    entities: split.accepted,
  } as const
  ask(context, request, (answer) => {
    const given = answer instanceof BrokerError ? answer : answer.entities
    const answers = split.join<Outcome>(given, (error) => ({ error: failureOf(error) }))
    reply.send({
      responses: answers.forEach(resources, ({ resourceType, resourceName }, altered) => ({
        errorCode: errorOf(altered),
        errorMessage: altered.error?.message ?? null,
        resourceType,
        resourceName,
      })),
    })
  })
}
