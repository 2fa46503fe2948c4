// The addresses that a program listens on, which may change while it runs. An address that cannot
// be bound changes nothing: the program goes on where it listened before.

import type { ListenAddress } from '../../address.ts'
import { isWildcard } from '../zk/quorum-server.ts'
import type { Listener } from './transport.ts'

interface Listening {
  readonly address: ListenAddress
  readonly listener: Listener
}

export class Listeners {
  readonly #listen: (address: ListenAddress) => Promise<Listener>
  #current: readonly Listening[] = []
  /** They accept nothing more, and still have links. */
  readonly #former = new Set<Listener>()
  /** The changes, one after the other. */
  #changed: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(listen: (address: ListenAddress) => Promise<Listener>) {
    this.#listen = listen
  }

  /** That of the first address, once listening, and from then on. */
  get port(): number | undefined {
    return this.#current[0]?.listener.port
  }

  get addresses(): readonly ListenAddress[] {
    return this.#current.map(({ address }) => address)
  }

  /**
   * Listens on these addresses only: on the further ones first, and then no more on the others. Links
   * that were accepted there stay.
   *
   * @returns whether that was a change
   * @throws EADDRINUSE, EACCES …, and everything is as before
   */
  listen(addresses: readonly ListenAddress[]): Promise<boolean> {
    return this.#enqueue(() => addresses)
  }

  /** Listens on these addresses, too. An address that another one includes stays with that. */
  listenAlso(addresses: readonly ListenAddress[]): Promise<boolean> {
    return this.#enqueue(() => withFurther(this.addresses, addresses))
  }

  #enqueue(wanted: () => readonly ListenAddress[]): Promise<boolean> {
    const change = this.#changed.then(() => this.#change(wanted()))
    this.#changed = change.then(
      () => undefined,
      () => undefined, // the caller's
    )
    return change
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#changed
    const listeners = [...this.#current.map(({ listener }) => listener), ...this.#former]
    await Promise.all(listeners.map((listener) => listener.close()))
  }

  async #change(addresses: readonly ListenAddress[]): Promise<boolean> {
    const before = this.#current
    const added = addresses.filter((each) => !before.some(({ address }) => isSame(address, each)))
    const left = before.filter(({ address }) => !addresses.some((each) => isSame(address, each)))
    if (this.#isClosed || added.length + left.length === 0) return false
    const inTheWay = left.filter(({ address: { port } }) =>
      added.some((each) => each.port === port),
    )
    try {
      await this.#open(added)
    } catch (error) {
      if (inTheWay.length === 0 || codeOf(error) !== 'EADDRINUSE') throw error
      // All addresses of a port, or one of them, are bound once the others are free.
      await this.#openInPlaceOf(inTheWay, added)
    }
    for (const each of left) this.#leave(each)
    return true
  }

  async #openInPlaceOf(
    inTheWay: readonly Listening[],
    added: readonly ListenAddress[],
  ): Promise<void> {
    for (const each of inTheWay) this.#leave(each)
    try {
      await this.#open(added)
    } catch (error) {
      await this.#open(inTheWay.map(({ address }) => address))
      throw error
    }
  }

  /** All of them, or none. */
  async #open(addresses: readonly ListenAddress[]): Promise<void> {
    const opened: Listening[] = []
    try {
      for (const address of addresses) {
        opened.push({ address, listener: await this.#listen(address) })
      }
    } catch (error) {
      await Promise.all(opened.map(({ listener }) => listener.close()))
      throw error
    }
    this.#current = [...opened, ...this.#current]
  }

  #leave(listening: Listening): void {
    if (!this.#current.includes(listening)) return
    const { listener } = listening
    this.#current = this.#current.filter((each) => each !== listening)
    this.#former.add(listener)
    void listener.stopAccepting().then(() => this.#former.delete(listener))
  }
}

function withFurther(
  former: readonly ListenAddress[],
  further: readonly ListenAddress[],
): readonly ListenAddress[] {
  const includes = (all: ListenAddress, one: ListenAddress): boolean =>
    isSame(all, one) || (isWildcard(all.host) && all.port === one.port)
  const added = further.filter((one) => !former.some((all) => includes(all, one)))
  return [...former.filter((one) => !added.some((all) => includes(all, one))), ...added]
}

function isSame(a: ListenAddress, b: ListenAddress): boolean {
  return a.port === b.port && (a.host === b.host || (isWildcard(a.host) && isWildcard(b.host)))
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
