// `zw ensemble add` and `zw ensemble remove`, step by step. A server joins as an observer, is waited for
// until it has what the leader has, and votes then: at no time do votes depend on a server that lags.
// ensemble-plan.ts decides.

import type { Address } from '../../address.ts'
import type { TlsClient } from '../../client/tls.ts'
import { type ZkClient, ZkError } from '../../client/zk/zk-client.ts'
import { isObserver, type QuorumServer, serverLine } from '../../protocol/zk/quorum-server.ts'
import { askHealth, type ServerHealth } from '../four-letter-word.ts'
import {
  catchUpOf,
  clientAddressOf,
  type EnsembleConfig,
  obstacleToAdding,
  obstacleToRemoving,
  obstacleToVoters,
  parseEnsembleConfig,
  remarkOnVoters,
  type Seen,
} from './ensemble-plan.ts'

const lookMs = 250

/** How often the distance to the leader is told while it shrinks. */
const tellMs = 2000

export interface ChangeParts {
  readonly zk: Pick<ZkClient, 'getConfig' | 'reconfig'>
  readonly health: (address: Address) => Promise<ServerHealth>
  /** a line about the progress */
  readonly tell: (line: string) => void
  readonly nowMs: () => number
  readonly sleep: (ms: number) => Promise<void>
  readonly timeoutMs: number
}

export function realParts(
  zk: ZkClient,
  options: {
    readonly tls: TlsClient | undefined
    readonly tell: (line: string) => void
    readonly timeoutMs: number
  },
): ChangeParts {
  const { tls, tell, timeoutMs } = options
  return {
    zk,
    health: (address) => askHealth(address, tls),
    tell,
    nowMs: () => performance.now(),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    timeoutMs,
  }
}

/**
 * @returns the configuration that has the server
 * @throws with the reason, and what to do about it
 */
export async function addServer(joiner: QuorumServer, parts: ChangeParts): Promise<EnsembleConfig> {
  const what = `Cannot add server ${joiner.id}`
  const { tell } = parts
  const first = await configOf(parts)
  const obstacle = obstacleToAdding(joiner, first)
  if (obstacle !== undefined) throw new Error(`${what}: ${obstacle}`)
  const known = first.servers.find(({ id }) => id === joiner.id)
  if (known !== undefined && !isObserver(known)) {
    tell(`Server ${joiner.id} votes already.`)
    return first
  }
  const observing = Object.assign({}, joiner, { role: 'observer' as const })
  if (known === undefined) {
    await reconfigure(parts, what, { joining: serverLine(observing), version: first.version })
    tell(`Server ${joiner.id} is an observer of the ensemble.`)
  }
  await untilCaughtUp(joiner, parts)
  if (isObserver(joiner)) return configOf(parts)

  const config = await configOf(parts)
  const seen = await seenOf(config.servers, parts)
  const voters = seen.filter(({ server }) => !isObserver(server) || server.id === joiner.id)
  const unsafe = obstacleToVoters(voters)
  if (unsafe !== undefined) {
    const state = `It stays an observer, and the same command makes it vote later`
    throw new Error(`${what} as a voter: ${unsafe}. ${state}`)
  }
  const { version } = config
  const next = await reconfigure(parts, what, { joining: serverLine(joiner), version })
  tell(`Server ${joiner.id} votes.`)
  const remark = remarkOnVoters(voters)
  if (remark !== undefined) tell(remark)
  return next
}

/** See `addServer`. */
export async function removeServer(id: number, parts: ChangeParts): Promise<EnsembleConfig> {
  const what = `Cannot remove server ${id}`
  const { tell } = parts
  const config = await configOf(parts)
  const obstacle = obstacleToRemoving(id, config)
  if (obstacle !== undefined) throw new Error(`${what}: ${obstacle}`)
  const seen = await seenOf(config.servers, parts)
  const voters = seen.filter(({ server }) => !isObserver(server) && server.id !== id)
  const unsafe = obstacleToVoters(voters)
  if (unsafe !== undefined) throw new Error(`${what}: ${unsafe}`)
  if (seen.some(({ server, health }) => server.id === id && health?.role === 'leader')) {
    tell(`Server ${id} leads: it hands leadership over first.`)
  }
  const next = await reconfigure(parts, what, { leaving: String(id), version: config.version })
  tell(
    `Server ${id} has left the ensemble. It serves its clients, without a vote, until it is stopped.`,
  )
  const remark = remarkOnVoters(voters)
  if (remark !== undefined) tell(remark)
  return next
}

async function untilCaughtUp(joiner: QuorumServer, parts: ChangeParts): Promise<void> {
  const { health, nowMs, sleep, tell, timeoutMs } = parts
  const address = clientAddressOf(joiner)
  if (address === undefined) return
  const endMs = nowMs() + timeoutMs
  let leaderZxid: string | undefined
  let told: { readonly kind: string; readonly atMs: number } | undefined
  for (;;) {
    const state = catchUpOf(joiner, await health(address), leaderZxid)
    if (state.type === 'done') return
    const isNews = told?.kind !== state.kind || nowMs() - told.atMs > tellMs
    if (isNews && (state.kind !== 'no leader' || leaderZxid !== undefined || told !== undefined)) {
      tell(`Waiting: ${state.why}.`)
      told = { kind: state.kind, atMs: nowMs() }
    }
    if (nowMs() > endMs) {
      throw new Error(
        `Cannot make server ${joiner.id} vote: after ${Math.round(timeoutMs / 1000)} s, ${state.why}. \
It stays an observer: start it with the lines of all servers and its own, and give the same command \
again, or take it out with zw ensemble remove ${joiner.id}`,
      )
    }
    leaderZxid = await zxidOfLeader(parts)
    await sleep(lookMs)
  }
}

async function zxidOfLeader(parts: ChangeParts): Promise<string | undefined> {
  const seen = await seenOf((await configOf(parts)).servers, parts)
  return seen.find(({ health }) => health?.role === 'leader')?.health?.zxid
}

function seenOf(servers: readonly QuorumServer[], { health }: ChangeParts): Promise<Seen[]> {
  return Promise.all(
    servers.map(async (server) => {
      const address = clientAddressOf(server)
      return { server, health: address && (await health(address)) }
    }),
  )
}

async function configOf({ zk }: ChangeParts): Promise<EnsembleConfig> {
  const { data } = await zk.getConfig()
  const config = parseEnsembleConfig(data?.toString('utf8') ?? '')
  if (config !== undefined) return config
  throw new Error(
    'Cannot change the ensemble: this server stands alone. Give it a server.N line for itself and \
reconfigEnabled=true, and start it again',
  )
}

async function reconfigure(
  { zk }: ChangeParts,
  what: string,
  change: { readonly joining?: string; readonly leaving?: string; readonly version: number },
): Promise<EnsembleConfig> {
  try {
    const { data } = await zk.reconfig(change)
    const config = parseEnsembleConfig(data?.toString('utf8') ?? '')
    if (config !== undefined) return config
    throw new Error(`${what}: the answer is not a configuration`)
  } catch (error) {
    const why = error instanceof ZkError ? refusals[error.code] : undefined
    throw why === undefined ? error : new Error(`${what}: ${why}`, { cause: error })
  }
}

const refusals: Readonly<Record<string, string>> = {
  RECONFIGDISABLED:
    'the servers do not allow it. Set reconfigEnabled=true in the zoo.cfg of each, and restart them one \
after the other',
  RECONFIGINPROGRESS: 'another change is under way. Give the same command when it is done',
  BADVERSION: 'the ensemble was changed meanwhile. Give the same command again',
  NEWCONFIGNOQUORUM:
    'the leader is not in step with a quorum of the voters that there would be, or cannot hand over to \
one of them. Bring back those that do not follow it: zw status shows them',
  BADARGUMENTS:
    'the servers refuse the list that there would be. With standaloneEnabled=true, two voters have to \
remain, and no two servers may share a port',
  CONNECTIONLOSS:
    'the connection was lost, and the change may have been made. zw shell config shows the ensemble; \
give the same command again if it has not',
}
