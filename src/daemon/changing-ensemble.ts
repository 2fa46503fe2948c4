// An ensemble that changes while it runs, as its driver sees it: what the tree, a transaction and a
// text say of its members, and what this server does once a configuration is agreed on or committed.
// It shows the configuration to clients, and writes it to its files (dynamic-config.ts).
//
// Beside a write's path: ensemble/driver.ts calls it, server.ts makes it.

import { invariant } from '../invariant.ts'
import type { Logger } from '../logger.ts'
import type { ServerId } from '../protocol/records.ts'
import { peerAddresses, type QuorumServer } from '../protocol/zk/quorum-server.ts'
import type { DynamicConfig } from './dynamic-config.ts'
import type { ChangingEnsemble, PeerServer } from './ensemble/ensemble-options.ts'
import {
  configurationText,
  decodeState,
  type Members,
  membersText,
  noMembers,
  parseMembers,
  votersOf,
} from './membership/membership.ts'
import { type Moves, movesBetween } from './membership/moves.ts'
import { type Configuration, type ConfigurationChange, isOfFiles } from './zab/configuration.ts'
import { configurationIn } from './ztree/txn.ts'
import type { ZTree } from './ztree/ztree.ts'

export function changingEnsemble(parts: {
  readonly self: ServerId
  /** those of the files */
  readonly members: Members
  readonly tree: ZTree
  readonly dynamicConfig: DynamicConfig | undefined
  /** Whether what is heard of is what this server knew when it stopped. */
  readonly isStarting: () => boolean
  /** A configuration gives this server other ports or addresses. */
  readonly onMoved: (moves: Moves) => void
  readonly logger: Logger
}): ChangingEnsemble {
  const { self, members, tree, dynamicConfig, isStarting, onMoved, logger } = parts
  const compare = (configuration: Configuration): void => {
    if (isStarting()) compareWithFiles(configuration, { self, members, logger })
  }
  let line = lineOf(self, members)
  let isLineOfFiles = true
  // It starts where its files say, and moves when it hears of a change.
  const maybeMove = (configuration: Configuration): void => {
    const next = lineOf(self, parseMembers(configuration.text) ?? noMembers)
    if (next === undefined) return
    if (line !== undefined && !isStarting() && !isOfFiles(configuration)) {
      onMoved(movesBetween(line, next, { portsOnly: isLineOfFiles }))
    }
    line = next
    isLineOfFiles = false
  }
  return {
    shown: () => decodeState(tree.configuration),
    agreed: (configuration) => {
      compare(configuration)
      tree.showMembership(configurationText(configuration), configuration.version)
    },
    committed: (configuration) => {
      compare(configuration)
      maybeMove(configuration)
      dynamicConfig?.committed(configuration)
    },
    changeIn,
    serversIn,
  }
}

function lineOf(self: ServerId, { servers }: Members): QuorumServer | undefined {
  return servers.find(({ id }) => id === self)
}

/** The files are a seed: what the ensemble has agreed on counts. */
function compareWithFiles(
  { text }: Configuration,
  parts: { readonly self: ServerId; readonly members: Members; readonly logger: Logger },
): void {
  const { self, members, logger } = parts
  const ours = membersText(members)
  if (text === ours) return
  const lists = { log: text.split('\n'), files: ours.split('\n') }
  const isListed = parseMembers(text)?.servers.some(({ id }) => id === self) === true
  logger.warn(
    lists,
    isListed
      ? 'The files do not list the servers of the ensemble: the list that it agreed on counts'
      : 'The ensemble has no such server: it follows without a vote, until zw ensemble add adds it',
  )
}

function changeIn(payload: Uint8Array): ConfigurationChange | undefined {
  const data = configurationIn(payload)
  if (data === undefined) return undefined
  const state = decodeState(data)
  invariant(state !== undefined, 'a configuration is logged as it was encoded')
  const { voters, text } = state.last
  const { before } = state
  return before === undefined ? { type: 'activate' } : { type: 'propose', voters, text, before }
}

function serversIn(text: string): readonly PeerServer[] {
  const members = parseMembers(text) ?? noMembers
  const nonVoters = nonVotersOf(members)
  return members.servers.map((server) => ({
    id: server.id,
    addresses: peerAddresses(server),
    observes: nonVoters.includes(server.id),
  }))
}

/** Observers, and participants without weight. */
export function nonVotersOf(members: Members): readonly ServerId[] {
  const voters = votersOf(members)
  return members.servers.map(({ id }) => id).filter((id) => !voters.includes(id))
}
