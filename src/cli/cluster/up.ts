// `zw up`: a cluster on this machine until Ctrl-C. Reports the start, then how to use the cluster;
// the output of its processes goes to files, except warnings.

import { join, resolve } from 'node:path'
import { formatAddress } from '../../address.ts'
import { type LogLevel, logLevels } from '../../logger.ts'
import { exitCodes } from '../../stoppable.ts'
import { hasColors } from '../../terminal.ts'
import { cliCommand, wholeNumber } from '../cli-command.ts'
import { toStderr } from '../output.ts'
import { stopSignal } from '../stop-signal.ts'
import { basePortMax, Cluster, type Member, type MemberProgress } from './cluster.ts'
import { clusterOptions, progressText, sizeOf } from './cluster-options.ts'
import { abortable, endOf, pause, untilReady } from './cluster-ready.ts'
import { keepLogs, logFileOf } from './member-files.ts'
import { isAlarming, MemberLog } from './member-log.ts'

const restartDelayMs = 1000

export const up = cliCommand({
  command: 'up',
  usage: 'zw up [--servers 3] [--brokers 3] [--data DIR] [--base-port P] [--tls] [--logs]',
  describe: 'run a cluster on this machine until Ctrl-C',
  builder: (cli) =>
    clusterOptions(cli, { leastBrokers: 0 })
      .option('data', {
        type: 'string',
        default: 'zw-data',
        describe: 'directory of all data and logs; reused if it exists',
      })
      .option('base-port', {
        coerce: wholeNumber('--base-port', { min: 1, max: basePortMax }),
        default: 2180,
        describe:
          'P: servers listen on P+1 …, brokers on P+101 …, and servers for their peers on P+201 …',
      })
      .option('tls', {
        type: 'boolean',
        default: false,
        describe:
          'every port speaks TLS, and clients show a certificate; those are made in DIR/tls, by openssl',
      })
      .option('log-level', {
        choices: logLevels,
        default: 'info' as const satisfies LogLevel,
        describe: "level of the members' logs",
      })
      .option('logs', {
        type: 'boolean',
        default: false,
        describe: "show all of the members' output, not only warnings",
      })
      .option('restart', {
        type: 'boolean',
        default: false,
        describe: 'restart a member that ends unexpectedly',
      }),
  async handler({ servers, brokers, data, basePort, tls, logLevel, logs, restart }) {
    const size = { servers, brokers, basePort }
    const cluster = new Cluster({ ...size, dataDir: data, logLevel, isSecured: tls })
    await cluster.prepare()
    const { signal, again } = stopSignal()
    const say = (text: string) => void process.stdout.write(`${text}\n`)
    const tell = (text: string) => say(`zw: ${text}`)
    keepLogs(cluster, data, (problem) => toStderr(`zw: ${problem}\n`))
    const log = new MemberLog({ colorize: hasColors(process.stdout, process.env) })
    cluster.on('line', (member, line) => {
      if (logs || isAlarming(line)) process.stdout.write(log.lines(member, line))
    })
    const roles = new Map<string, MemberProgress>()
    cluster.on('came', (member, progress, afterMs) => {
      roles.set(member.name, progress)
      tell(progressText(member, progress, afterMs))
    })
    try {
      tell(`starting ${sizeOf(cluster)} in ${resolve(data)}`)
      cluster.startAll()
      await untilReady(cluster, signal)
      cluster.on('exited', (member, exit) => {
        if (exit.wanted) return
        const rest = restart ? '' : ', the others keep running'
        tell(`${member.name} ${endOf(exit)}${rest}; its log is ${logFileOf(data, member)}`)
        if (restart) void startAgain(cluster, member, signal, tell)
      })
      say(`\n${summary(cluster, data, roles)}\n\nready`)
      await abortable(new Promise(() => undefined), signal)
    } catch (error) {
      if (!signal.aborted) {
        process.exitCode = exitCodes.failure
        toStderr(`zw: ${(error as Error).message}\n`)
      }
    } finally {
      tell(`stopping ${sizeOf(cluster)}; a second Ctrl-C kills them`)
      await Promise.race([cluster.stopAll(), again.then(() => cluster.killAll())])
      tell(`stopped; the data stay in ${resolve(data)}`)
    }
  },
})

/** The information needed while the cluster runs: its members, how to use it, how to stop it. */
function summary(
  cluster: Cluster,
  data: string,
  roles: ReadonlyMap<string, MemberProgress>,
): string {
  const members = cluster.members.map((member) => {
    const address = formatAddress(member.address).padEnd(15)
    const role = member.kind === 'server' ? (roles.get(member.name) ?? '') : ''
    return `  ${member.name.padEnd(10)} ${address}  process ${cluster.pidOf(member)}  ${role}`.trimEnd()
  })
  const servers = cluster.serverAddresses.map(formatAddress).join(',')
  const place = `-s ${servers}${cluster.tls === undefined ? '' : ` ${tlsFlags(data)}`}`
  const facts: (readonly [string, string])[] = [
    ['shell', `zw shell ${place}`],
    ['status', `zw status ${place}`],
  ]
  if (cluster.brokers.length > 0) {
    facts.push(['produce', `zw produce goals --goals 90 --rate 5 ${place}`])
    facts.push(['consume', `zw consume goals --from-beginning ${place}`])
  }
  facts.push(['data', resolve(data)], ['logs', `${resolve(data)}/*.log`])
  facts.push(['stop', `Ctrl-C here, or kill ${process.pid}; the data stay`])
  return [...members, '', ...facts.map(([name, fact]) => `  ${name.padEnd(10)} ${fact}`)].join('\n')
}

/** What every command of zw needs, besides the servers. */
function tlsFlags(data: string): string {
  return `--tls-ca ${join(data, 'tls/ca.pem')} --tls-cert ${join(data, 'tls/client.pem')}`
}

async function startAgain(
  cluster: Cluster,
  member: Member,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<void> {
  try {
    await pause(restartDelayMs, signal)
    cluster.start(member)
    tell(`${member.name} is restarted as process ${cluster.pidOf(member)}`)
  } catch (error) {
    // During the stop no member has to be restarted.
    if (!signal.aborted) throw error
  }
}
