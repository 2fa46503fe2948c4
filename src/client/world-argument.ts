// The option `world` of every client: the parts that clients use, each checked.

import type { Clock } from '../clock.ts'
import type { Transport } from '../protocol/transport/transport.ts'
import type { Turn } from '../turn.ts'
import type { ClientWorld } from '../world.ts'
import { having, type Kind } from './arguments.ts'

const transport = having<Transport>('a transport', 'dial')
const turn = having<Turn>('a turn', 'seal', 'send', 'sync')
const clock = having<Clock>('a clock', 'nowMs', 'wallMs', 'after', 'every')
const randomness = having<ClientWorld>('a world', 'randomBytes')

export const clientWorld: Kind<ClientWorld> = (value, name) => {
  const world = randomness(value, name)
  transport(world.transport, `${name}.transport`)
  turn(world.turn, `${name}.turn`)
  clock(world.clock, `${name}.clock`)
  return world
}
