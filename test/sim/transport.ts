// The transport of a simulated process.

import type { Address, ListenAddress } from '../../src/address.ts'
import { invariant } from '../../src/invariant.ts'
import type {
  Link,
  LinkListener,
  LinkOptions,
  Listener,
  Transport,
} from '../../src/protocol/transport/transport.ts'
import type { Turn } from '../../src/turn.ts'
import { Connection } from './connection.ts'
import { SimLink } from './link.ts'
import type { Network } from './network.ts'
import type { SimProcess } from './process.ts'

/** Names a sent message and its receiver: a point at which a process may be killed. */
export type Describe = (bytes: Buffer, to: string) => string

/** Like TcpTransport: what one turn puts into links is sent at its end. */
export class SimTransport implements Transport {
  readonly network: Network
  readonly process: SimProcess
  readonly host: string
  readonly describe: Describe
  readonly #turn: Turn
  #dirty: SimLink[] = []
  readonly #send = () => this.#flush()

  constructor(parts: {
    readonly network: Network
    readonly process: SimProcess
    readonly turn: Turn
    readonly host: string
    readonly describe?: Describe
  }) {
    this.network = parts.network
    this.process = parts.process
    this.#turn = parts.turn
    this.host = parts.host
    this.describe = parts.describe ?? (() => 'send')
  }

  flushLater(link: SimLink): void {
    this.#dirty.push(link)
    this.#turn.send(this.#send)
  }

  dial(address: Address, options: LinkOptions, listener: LinkListener): Link {
    const { network, host } = this
    let connection: Connection | undefined
    const link = new SimLink(this, {
      side: 0,
      options,
      remote: address.host,
      connection: (dialled) => {
        connection = new Connection(network, [host, address.host], dialled)
        return connection
      },
      listen: () => listener,
    })
    invariant(connection !== undefined, 'a link has its connection')
    this.#shakeHands(connection, link, address)
    return link
  }

  async listen(
    { host, port }: ListenAddress,
    options: LinkOptions,
    accept: (link: Link) => LinkListener | undefined,
  ): Promise<Listener> {
    const where = `${host}:${port}`
    this.network.open(where, { transport: this, options, accept })
    let isListening = true
    // Once it has stopped, the address may be another listener's.
    const stop = async (): Promise<void> => {
      if (isListening) this.network.close(where)
      isListening = false
    }
    return { port, stopAccepting: stop, close: stop }
  }

  #shakeHands(connection: Connection, dialled: SimLink, address: Address): void {
    const { network } = this
    // The other end does not exist yet, so its incoming bytes are handled here.
    const arrive = (): void => {
      const port = network.portAt(address)
      if (port === undefined) {
        // A machine without power does not even refuse.
        if (network.random.chance(0.7)) network.queue.after(0.1, () => dialled.broken())
        return
      }
      const { transport, options, accept } = port
      transport.process.enter(() => {
        const link = new SimLink(transport, {
          side: 1,
          options,
          remote: this.host,
          connection,
          listen: (link) => {
            const listener = accept(link)
            if (listener === undefined) transport.process.after(0, () => link.destroy())
            return listener ?? refused
          },
        })
        connection.accepted(link)
        connection.transmit(1, (peer) => peer.connected())
      })
    }
    connection.knock(arrive)
  }

  #flush(): void {
    const dirty = this.#dirty
    this.#dirty = []
    for (const link of dirty) link.flush()
  }
}

const refused: LinkListener = { frame: () => undefined, closed: () => undefined }
