// Reports to systemd: readiness, status, and, for the watchdog, that the event loop is running.
//
// Node.js has no unix datagram sockets, so systemd-notify(1) sends. Forking Node.js blocks the
// event loop for milliseconds; so one small shell is started early, and forks for every message:
//
//   timer of the event loop ─ line ─▶ pipe ─▶ sh ─ fork ─▶ systemd-notify ─▶ $NOTIFY_SOCKET
//
// The messages come from child processes: the unit needs NotifyAccess=all.
// Source: sd_notify(3), sd_watchdog_enabled(3).

import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Environment } from './option-rows.ts'
import type { Notify, PartStatus } from './stoppable.ts'

/** How often the status is checked for changes. */
const lookMs = 1000

/** Interval between messages that only update the details, when no watchdog requires them. */
const detailMs = 10_000

/**
 * The stop signal goes to the whole unit: the shell exits when its input ends, with this process.
 */
const relay = `trap '' TERM INT HUP
command -v systemd-notify >/dev/null || exit 127
while IFS="$1" read -r first second; do systemd-notify "$first" \${second:+"$second"}; done`

export interface NotifierOptions {
  readonly environment: Environment
  readonly clock: Clock
  readonly logger: Logger
  readonly pid: number
  readonly status: () => PartStatus
}

/** Does nothing without a service manager. */
export function systemdNotifier(options: NotifierOptions): Notify {
  if (options.environment['NOTIFY_SOCKET'] === undefined) return () => undefined
  const notifier = new SystemdNotifier(options)
  return (state) => (state === 'ready' ? notifier.ready() : notifier.stopping())
}

class SystemdNotifier {
  readonly #options: NotifierOptions
  readonly #relay: ChildProcess
  /** Interval between keep-alives; Infinity without a watchdog. */
  readonly #watchdogMs: number
  #told: PartStatus = { state: '', detail: '' }
  #toldMs = -Infinity
  #cancel: () => void = () => undefined

  constructor(options: NotifierOptions) {
    this.#options = options
    this.#watchdogMs = watchdogMs(options)
    this.#relay = startRelay(options)
  }

  ready(): void {
    const periodMs = Math.min(lookMs, this.#watchdogMs)
    this.#cancel = this.#options.clock.every(periodMs, () => this.#look())
    this.#tell('READY=1')
  }

  stopping(): void {
    this.#cancel()
    this.#send('STOPPING=1', 'STATUS=Stopping')
  }

  #look(): void {
    const sinceMs = this.#options.clock.nowMs() - this.#toldMs
    const { state, detail } = this.#options.status()
    const isDue =
      sinceMs >= this.#watchdogMs || (sinceMs >= detailMs && detail !== this.#told.detail)
    if (isDue || state !== this.#told.state) this.#tell('WATCHDOG=1')
  }

  #tell(news: 'READY=1' | 'WATCHDOG=1'): void {
    this.#told = this.#options.status()
    this.#toldMs = this.#options.clock.nowMs()
    this.#send(news, `STATUS=${this.#told.state}: ${this.#told.detail}`)
  }

  #send(...assignments: readonly string[]): void {
    const line = assignments.map((each) => each.replaceAll(/[\t\n]/g, ' ')).join('\t')
    this.#relay.stdin?.write(`${line}\n`)
  }
}

/** A third of systemd's interval: two messages may be late. */
function watchdogMs({ environment, pid }: NotifierOptions): number {
  const { WATCHDOG_USEC: period, WATCHDOG_PID: whose } = environment
  if (period === undefined || (whose !== undefined && Number(whose) !== pid)) return Infinity
  const ms = Number(period) / 1000 / 3
  return ms > 0 ? ms : Infinity
}

function startRelay({ logger }: NotifierOptions): ChildProcess {
  const shell = spawn('/bin/sh', ['-c', relay, 'sh', '\t'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  let hasFailed = false
  const failed = (facts: Record<string, unknown>) => {
    if (hasFailed) return
    hasFailed = true
    logger.warn(facts, 'Could not notify systemd: is systemd-notify installed?')
  }
  shell.on('error', (err) => failed({ err }))
  shell.on('exit', (code, signal) => failed({ code, signal }))
  // Lines written after its end are lost; `exit` has reported it.
  shell.stdin.on('error', () => undefined)
  // It must not keep an otherwise finished process alive.
  shell.unref()
  return shell
}
