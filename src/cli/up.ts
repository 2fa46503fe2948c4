// `zw up`: a cluster on this machine until Ctrl-C, with everything its processes say.

import { logLevels } from '../logger.ts'
import { exitCodes } from '../stoppable.ts'
import { cliCommand, countIn } from './cli-command.ts'
import { basePortMax, Cluster, type Member } from './cluster.ts'
import { clusterOptions, whereabouts } from './cluster-options.ts'
import { abortable, endOf, pause, untilReady } from './cluster-ready.ts'
import { MemberLog } from './member-log.ts'
import { stopSignal } from './stop-signal.ts'

const restartDelayMs = 1000

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
        if (restart) void startAgain(cluster, member, signal, say)
      })
      for (const member of cluster.members) say(`zw: ${processOf(cluster, member)}\n`)
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

/** `server-1 at 127.0.0.1:2181, process 4711` */
function processOf(cluster: Cluster, member: Member): string {
  const { host, port } = member.address
  return `${member.name} at ${host}:${port}, process ${cluster.pidOf(member)}`
}

async function startAgain(
  cluster: Cluster,
  member: Member,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  try {
    await pause(restartDelayMs, signal)
    cluster.start(member)
    say(`zw: again ${processOf(cluster, member)}\n`)
  } catch (error) {
    // While we stop, nobody has to come back.
    if (!signal.aborted) throw error
  }
}
