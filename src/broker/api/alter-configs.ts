// alterConfigs: changes the configuration of topics and brokers in their znodes, each with its own
// outcome. A change is in force on this broker before the answer is sent, and on the others shortly
// afterwards, since all brokers watch these znodes.
//
// Next on the path: config-changes.ts, then cluster/cluster-watch.ts on every broker.

import { naturalOf } from '../../json.ts'
import { ZkError } from '../../protocol/error-codes.ts'
import {
  type AlterConfigsRequest,
  type AlterConfigsResponse,
  type AlteredConfigs,
  allBrokers,
  type ConfigChanges,
  type ConfigEntity,
} from '../../protocol/mq/configs.ts'
import { BrokerError } from '../../protocol/mq/error-codes.ts'
import { failureOf } from '../../protocol/mq/messages.ts'
import { decodeConfig, encodeConfig, noTexts } from '../cluster/cluster-configs.ts'
import type { TopicImage } from '../cluster/cluster-image.ts'
import { replicaCountOf } from '../cluster/topic-assignment.ts'
import { zkPaths } from '../cluster/zk-paths.ts'
import { isInternal } from '../group/offsets-topic.ts'
import { asBrokerError } from './answer.ts'
import type { BrokerParts, ServingSession } from './broker-parts.ts'
import { changedConfig, checkOffsetsTopic } from './config-changes.ts'
import { entityText, noTopic } from './describe-configs.ts'
import { openSession } from './open-session.ts'
import { repeated, repeatedError } from './repeated.ts'

/** @throws BrokerError, ZkError if none of the changes could be attempted */
export async function alterConfigs(
  parts: BrokerParts,
  request: AlterConfigsRequest,
): Promise<AlterConfigsResponse> {
  const { entities } = request
  const twice = repeated(entities.map(entityText))
  const session = openSession(parts, 'change a configuration')
  const outcomes = entities.map(async (changes): Promise<AlteredConfigs> => {
    const { type, name } = changes
    try {
      const what = entityText(changes)
      if (twice.has(what)) throw repeatedError(`configure ${what}`)
      await alter(parts, session, changes, request)
      return { type, name, error: undefined }
    } catch (error) {
      return { type, name, error: failureOf(asBrokerError(error)) }
    }
  })
  return { type: 'alterConfigs', entities: await Promise.all(outcomes) }
}

/** @throws BrokerError, ZkError */
async function alter(
  parts: BrokerParts,
  session: ServingSession,
  { type, name, changes }: ConfigChanges,
  { validateOnly = false, replaces = false }: AlterConfigsRequest,
): Promise<void> {
  const entity = { type, name }
  await checkEntity(parts, session, entity)
  for (;;) {
    const found = await read(session, zkPaths.configOf(entity))
    const own = (found === undefined ? undefined : decodeConfig(found.data)) ?? noTexts
    const wanted = changedConfig(entity, replaces ? noTexts : own, changes)
    const offsets = type === 'topic' && isInternal(name) ? parts.image.topics.get(name) : undefined
    if (offsets !== undefined) checkOffsetsTopic(wanted, fewestReplicas(offsets))
    if (validateOnly) return
    if (await write(session, entity, encodeConfig(wanted), found?.version)) break
    await checkEntity(parts, session, entity)
  }
  parts.log.info({ type, name, changes }, 'Changed a configuration')
  await session.readConfig(entity)
}

function fewestReplicas({ assignment }: TopicImage): number {
  return Math.min(
    ...assignment.replicas.map((_, partition) => replicaCountOf(assignment, partition)),
  )
}

/** @throws BrokerError for a topic or a broker that cannot have a configuration */
async function checkEntity(
  { image }: BrokerParts,
  session: ServingSession,
  { type, name }: ConfigEntity,
): Promise<void> {
  if (type === 'topic') {
    await session.readTopics([name])
    if (!image.topics.has(name)) throw noTopic('configure', name)
  } else if (name !== allBrokers && String(naturalOf(name)) !== name) {
    const found = 'it is not a broker id'
    throw new BrokerError('INVALID_REQUEST', `Cannot configure broker '${name}': ${found}`)
  }
}

interface Found {
  readonly data: Buffer | null
  readonly version: number
}

async function read({ zk }: ServingSession, path: string): Promise<Found | undefined> {
  try {
    await zk.sync(path)
    const { data, stat } = await zk.getData(path)
    return { data, version: stat.version }
  } catch (error) {
    if (error instanceof ZkError && error.code === 'NONODE') return undefined
    throw error
  }
}

/**
 * A topic that is being deleted gets no configuration, which would apply to the next topic of that
 * name.
 *
 * @returns false if it was changed, or its topic deleted, concurrently
 */
async function write(
  { zk }: ServingSession,
  entity: ConfigEntity,
  text: string,
  version: number | undefined,
): Promise<boolean> {
  const path = zkPaths.configOf(entity)
  const data = Buffer.from(text)
  const holder = entity.type === 'topic' ? zkPaths.topic(entity.name) : zkPaths.configBrokers
  try {
    await zk.multi([
      { type: 'check', path: holder, version: -1 },
      version === undefined
        ? { type: 'create', path, data, mode: 'persistent' }
        : { type: 'setData', path, data, version },
    ])
    return true
  } catch (error) {
    const code = error instanceof ZkError ? error.code : undefined
    if (code === 'BADVERSION' || code === 'NODEEXISTS' || code === 'NONODE') return false
    throw error
  }
}
