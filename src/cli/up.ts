// `zw up`: a cluster on this machine until Ctrl-C, with everything its processes say.

import type { Argv } from 'yargs'
import { formatServer } from '../client/servers.ts'
import { logLevels } from '../logger.ts'
import { exitCodes } from '../stoppable.ts'
import { BadUsage, cliCommand } from './cli-command.ts'
import { basePortMax, Cluster, type Member, membersMax } from './cluster.ts'
import { abortable, endOf, pause, untilReady } from './cluster-ready.ts'
import { MemberLog } from './member-log.ts'

const restartDelayMs = 1000

/** Options of every command that runs a cluster. */
export function clusterOptions<T>(cli: Argv<T>) {
  return cli
    .option('servers', { type: 'number', default: 3, describe: 'ZooWeeper servers' })
    .option('brokers', { type: 'number', default: 3, describe: 'Mimic Queue brokers' })
    .check(({ servers, brokers }) => {
      countIn('--servers', servers, 1, membersMax)
      countIn('--brokers', brokers, 0, membersMax)
      return true
    })
}

/** @throws BadUsage that names the flag and its bounds */
export function countIn(flag: string, value: unknown, min: number, max: number): void {
  if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) return
  throw new BadUsage(`Cannot use ${flag} ${value}: it must be a whole number from ${min} to ${max}`)
}

/** Aborted by the first of the signals that ask a program to stop. */
export function stopSignal(): { readonly signal: AbortSignal; readonly again: Promise<void> } {
  const controller = new AbortController()
  const again = new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (controller.signal.aborted) resolve()
        controller.abort(new Error(`${name} came`))
      })
    }
  })
  return { signal: controller.signal, again }
}

export const up = cliCommand({
  command: 'up',
  describe: 'run a cluster on this machine until Ctrl-C',
  builder: (cli) =>
    clusterOptions(cli)
      .usage('zw up [--servers 3] [--brokers 3] [--data DIR] [--base-port P]')
      .option('data', {
        type: 'string',
        default: 'zw-data',
        describe: 'directory of all data; used again when it is there',
      })
      .option('base-port', {
        type: 'number',
        default: 2180,
        describe:
          'P: servers listen at P+1 …, brokers at P+101 …, servers for each other at P+201 …',
      })
      .option('log-level', { choices: logLevels, default: 'info' as const })
      .option('restart', {
        type: 'boolean',
        default: false,
        describe: 'start again what ends by itself',
      })
      .check(({ basePort }) => {
        countIn('--base-port', basePort, 1, basePortMax)
        return true
      }),
  async handler({ servers, brokers, data, basePort, logLevel, restart }) {
    const cluster = new Cluster({ servers, brokers, dataDir: data, basePort, logLevel })
    await cluster.prepare()
    const { signal, again } = stopSignal()
    const log = new MemberLog({ colorize: process.stdout.isTTY })
    const say = (text: string) => process.stdout.write(text)
    cluster.on('line', (member, line) => say(log.lines(member, line)))
    try {
      cluster.startAll()
      await untilReady(cluster, signal)
      cluster.on('exited', (member, exit) => {
        if (exit.wanted) return
        say(`zw: ${member.name} ${endOf(exit)}${restart ? '' : ', the others go on'}\n`)
        if (restart) void startAgain(cluster, member, signal)
      })
      say(`zw: ${whereabouts(cluster)}\nready\n`)
      await abortable(new Promise(() => undefined), signal)
    } catch (error) {
      if (!signal.aborted) {
        process.exitCode = exitCodes.failure
        process.stderr.write(`zw: ${(error as Error).message}\n`)
      }
    } finally {
      await Promise.race([cluster.stopAll(), again.then(() => cluster.killAll())])
    }
  },
})

async function startAgain(cluster: Cluster, member: Member, signal: AbortSignal): Promise<void> {
  try {
    await pause(restartDelayMs, signal)
    cluster.start(member)
  } catch {
    // We are stopping: nobody has to come back.
  }
}

/** `servers 127.0.0.1:2181,… brokers 127.0.0.1:2281,…`, in the form that -s and -b take. */
export function whereabouts(cluster: Cluster): string {
  const servers = cluster.serverAddresses.map(formatServer).join(',')
  const brokers = cluster.brokerAddresses.map(formatServer).join(',')
  return `servers ${servers}${brokers === '' ? '' : `, brokers ${brokers}`}`
}
