import { formatAddress } from '../../../address.ts'
import { hex } from '../format.ts'
import type { ShellCommand } from './shell-command.ts'

export const session: ShellCommand = {
  name: 'session',
  usage: '',
  about: 'prints the state, server, id, time-out and latest zxid of this session',
  options: {},
  words: { min: 0, max: 0 },
  run(shell) {
    const { state, server, sessionId, sessionTimeoutMs, lastZxidSeen } = shell.zk
    shell.print(`state = ${state}`)
    shell.print(`server = ${server === undefined ? 'none' : formatAddress(server)}`)
    shell.print(`sessionId = ${hex(sessionId)}`)
    shell.print(`sessionTimeout = ${sessionTimeoutMs} ms`)
    shell.print(`lastZxidSeen = ${hex(lastZxidSeen)}`)
  },
}
