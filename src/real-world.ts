// The world as it is: sockets, the event loop, the system's clock and its randomness. Nothing below
// the programs' compositions names any of these.

import { randomBytes } from 'node:crypto'
import { systemClock } from './clock.ts'
import { TcpTransport } from './protocol/transport/tcp.ts'
import { Turn } from './turn.ts'
import type { ClientWorld } from './world.ts'

/** All but a disk and a logger. */
export function realWorld(): ClientWorld {
  const turn = new Turn(setImmediate)
  return { transport: new TcpTransport(turn), turn, clock: systemClock, randomBytes }
}
