// What the client of one connection may do, by the rules of the cluster (cluster/cluster-acls.ts). Without
// rules (acls=false) everything. Kafka's answer to what it may not is an error for the topic, the group, or
// the request.

import type { AclOperation, AclResourceType } from '../../protocol/mq/acls.ts'
import { anonymous, clusterName } from '../../protocol/mq/acls.ts'
import { BrokerError, type MqErrorCode } from '../../protocol/mq/error-codes.ts'
import type { ClusterAcls } from '../cluster/cluster-acls.ts'

const codes: Readonly<Record<AclResourceType, MqErrorCode>> = {
  topic: 'TOPIC_AUTHORIZATION_FAILED',
  group: 'GROUP_AUTHORIZATION_FAILED',
  cluster: 'CLUSTER_AUTHORIZATION_FAILED',
  transactionalId: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
}

export class Access {
  readonly #acls: ClusterAcls | undefined
  readonly #user: () => string | undefined
  readonly #host: string

  /**
   * @param acls undefined: everything is allowed
   * @param client `user` of it by now; undefined until it has authenticated itself
   */
  constructor(
    acls: ClusterAcls | undefined,
    client: { readonly user: () => string | undefined; readonly host: string },
  ) {
    this.#acls = acls
    this.#user = client.user
    this.#host = client.host
  }

  mayTopic(operation: AclOperation, topic: string): boolean {
    return this.#may(operation, 'topic', topic)
  }

  mayGroup(operation: AclOperation, group: string): boolean {
    return this.#may(operation, 'group', group)
  }

  mayCluster(operation: AclOperation): boolean {
    return this.#may(operation, 'cluster', clusterName)
  }

  /** As a permission for the cluster allows it, or one for the topic. */
  mayCreate(topic: string): boolean {
    return this.mayCluster('create') || this.mayTopic('create', topic)
  }

  /** A client that may write to some topic may be an idempotent producer (KIP-679). */
  get mayWriteIdempotently(): boolean {
    if (this.#acls === undefined || this.mayCluster('idempotentWrite')) return true
    const { principal, host } = this.#client
    return this.#acls.allowsAny({ principal, host, operation: 'write', resourceType: 'topic' })
  }

  #may(operation: AclOperation, resourceType: AclResourceType, name: string): boolean {
    if (this.#acls === undefined) return true
    const { principal, host } = this.#client
    return this.#acls.allows({ principal, host, operation, resourceType, name })
  }

  get #client(): { readonly principal: string; readonly host: string } {
    const user = this.#user()
    return { principal: user === undefined ? anonymous : `User:${user}`, host: this.#host }
  }

  /** The error for a client that may not. */
  refusal(type: AclResourceType, operation: AclOperation, name: string): BrokerError {
    const { principal } = this.#client
    const found = `no rule allows it to ${principal} (zw acls list), or one denies it`
    return new BrokerError(codes[type], `Cannot ${operation} ${type} '${name}': ${found}`)
  }
}
