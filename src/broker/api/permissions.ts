// What the rules of access have to allow for a request of the native protocol: the operations of Kafka's
// request for the same. A request for records is refused for single partitions, by its handler; any
// other is refused as a whole. Lists of everything are cut down to what their client may see.

import { clusterName } from '../../protocol/mq/acls.ts'
import type { MqRequest, MqResponse } from '../../protocol/mq/apis.ts'
import type { ConfigEntityType } from '../../protocol/mq/configs.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import type { ClusterImage } from '../cluster/cluster-image.ts'
import type { Access } from './access.ts'

type TopicOperation = Parameters<Access['mayTopic']>[0]

/**
 * What nothing allows, of a request of a client.
 *
 * @param image knows the names of topics that are named by their ids
 */
export function refusalOf(
  access: Access,
  request: MqRequest,
  image: Pick<ClusterImage, 'topicOf'>,
): BrokerError | undefined {
  switch (request.type) {
    case 'produce':
    case 'fetch':
    case 'listOffsets':
    case 'listGroups':
    case 'authenticate':
      return undefined
    case 'metadata':
      return ofTopics(access, 'describe', request.topics ?? [])
    case 'offsetForLeaderEpoch':
      return ofTopics(access, 'describe', topicsOf(request.partitions))
    case 'createTopics': {
      const refused = request.topics.find(({ topic }) => !access.mayCreate(topic))
      return refused && access.refusal('topic', 'create', refused.topic)
    }
    case 'createPartitions':
      return ofTopics(access, 'alter', topicsOf(request.topics))
    case 'deleteTopics': {
      const named = ({ topic, topicId }: { readonly topic: string; readonly topicId: string }) =>
        topic === '' ? (image.topicOf(topicId) ?? '') : topic
      return ofTopics(access, 'delete', request.topics.map(named))
    }
    case 'deleteRecords':
      return ofTopics(access, 'delete', topicsOf(request.partitions))
    case 'describeConfigs':
      return ofConfigs(access, 'describeConfigs', request.entities)
    case 'alterConfigs':
      return ofConfigs(access, 'alterConfigs', request.entities)
    case 'initProducerId':
      if (access.mayWriteIdempotently) return undefined
      return access.refusal('cluster', 'idempotentWrite', clusterName)
    case 'joinGroup':
    case 'syncGroup':
    case 'heartbeat':
    case 'leaveGroup':
      return ofGroup(access, 'read', request.group)
    case 'describeGroup':
    case 'lastRebalance':
      return ofGroup(access, 'describe', request.group)
    case 'deleteGroup':
      return ofGroup(access, 'delete', request.group)
    case 'deleteOffsets': {
      const topics = topicsOf(request.partitions)
      return ofGroup(access, 'delete', request.group) ?? ofTopics(access, 'read', topics)
    }
    case 'offsetCommit': {
      const topics = topicsOf(request.partitions)
      return ofGroup(access, 'read', request.group) ?? ofTopics(access, 'read', topics)
    }
    case 'offsetFetch': {
      const topics = topicsOf(request.partitions ?? [])
      return ofGroup(access, 'describe', request.group) ?? ofTopics(access, 'describe', topics)
    }
    case 'describeLogDirs':
    case 'listPartitionReassignments':
    case 'recoveryChoices':
      return ofCluster(access, 'describe')
    case 'electLeaders':
    case 'alterPartitionReassignments':
    case 'recover':
      return ofCluster(access, 'alter')
    case 'replicaFetch':
      return ofCluster(access, 'clusterAction')
  }
}

/** The answer without what the client may not see. */
export function visibleTo(
  access: Access,
  answer: MqResponse | BrokerError,
): MqResponse | BrokerError {
  if (answer instanceof BrokerError) return answer
  if (answer.type === 'metadata') {
    const { clusterId, controller, brokers, topics } = answer.cluster
    const visible = topics.filter(({ topic }) => access.mayTopic('describe', topic))
    return { type: 'metadata', cluster: { clusterId, controller, brokers, topics: visible } }
  }
  if (answer.type === 'listGroups' && !access.mayCluster('describe')) {
    const groups = answer.groups.filter(({ group }) => access.mayGroup('describe', group))
    return { type: 'listGroups', groups }
  }
  if (answer.type === 'offsetFetch') {
    const partitions = answer.partitions.filter(({ topic }) => access.mayTopic('describe', topic))
    return { type: 'offsetFetch', partitions }
  }
  return answer
}

function topicsOf(named: readonly { readonly topic: string }[]): string[] {
  return named.map(({ topic }) => topic)
}

function ofTopics(
  access: Access,
  operation: TopicOperation,
  topics: readonly string[],
): BrokerError | undefined {
  const refused = topics.find((topic) => !access.mayTopic(operation, topic))
  return refused === undefined ? undefined : access.refusal('topic', operation, refused)
}

function ofGroup(
  access: Access,
  operation: TopicOperation,
  group: string,
): BrokerError | undefined {
  return access.mayGroup(operation, group) ? undefined : access.refusal('group', operation, group)
}

function ofCluster(access: Access, operation: TopicOperation): BrokerError | undefined {
  if (access.mayCluster(operation)) return undefined
  return access.refusal('cluster', operation, clusterName)
}

function ofConfigs(
  access: Access,
  operation: 'describeConfigs' | 'alterConfigs',
  entities: readonly { readonly type: ConfigEntityType; readonly name: string }[],
): BrokerError | undefined {
  for (const { type, name } of entities) {
    const refused =
      type === 'topic' ? ofTopics(access, operation, [name]) : ofCluster(access, operation)
    if (refused !== undefined) return refused
  }
  return undefined
}
