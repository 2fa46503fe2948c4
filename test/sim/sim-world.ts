// The world (src/world.ts) of one simulated process: its turns end in the event queue, it has its
// own time, and its randomness comes from the seed.

import type { Random } from '../../src/random.ts'
import { ReusedBuffers } from '../../src/reused-buffers.ts'
import { Turn } from '../../src/turn.ts'
import type { ClientWorld } from '../../src/world.ts'
import type { Network } from './network.ts'
import type { SimProcess } from './process.ts'
import { type Describe, SimTransport } from './transport.ts'

// Memory that is given back is overwritten, as by its next owner, who may come much later.
const { give } = ReusedBuffers.prototype
ReusedBuffers.prototype.give = function (buffer) {
  buffer.fill(0xdb)
  give.call(this, buffer)
}

export interface SimWorldParts {
  readonly network: Network
  readonly process: SimProcess
  readonly random: Random
  /** the name by which other processes reach it */
  readonly host: string
  readonly describe?: Describe
}

/** Everything but a disk and a logger. */
export function simWorld(parts: SimWorldParts): ClientWorld {
  const { process, random } = parts
  const turn = new Turn((end) => process.after(0, end))
  const transport = new SimTransport({ ...parts, turn })
  return { transport, turn, clock: process, randomBytes: (count) => random.bytes(count) }
}
