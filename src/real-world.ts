// The real world: sockets, the event loop, the system's clock and its randomness. Only the
// programs' compositions name these.

import { randomBytes } from 'node:crypto'
import { systemClock } from './clock.ts'
import { TcpTransport } from './protocol/transport/tcp.ts'
import { Turn } from './turn.ts'
import type { ClientWorld } from './world.ts'

/** Everything except a disk and a logger. */
export function realWorld(): ClientWorld {
  const turn = new Turn(setImmediate)
  return { transport: new TcpTransport(turn), turn, clock: systemClock, randomBytes }
}
