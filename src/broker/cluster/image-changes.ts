// What changed in a cluster image since a part of the broker last looked: so that a part with 10 000
// partitions visits the few that changed. It is a hint for what to look at again; what is decided
// depends on the image alone. Pure; cluster-image.ts notes the changes.

export interface PartitionPlace {
  readonly topic: string
  readonly partition: number
}

/** Everything: at the beginning, and when a broker comes, leaves or changes. */
export type ImageChange = 'everything' | readonly PartitionPlace[]

export class ImageChanges {
  #isEverything = true
  readonly #partitions = new Map<string, Set<number>>()

  /** Whether nothing has changed. */
  get isEmpty(): boolean {
    return !this.#isEverything && this.#partitions.size === 0
  }

  /** Until the next `take`, single changes are not kept: they take no memory. */
  addEverything(): void {
    this.#isEverything = true
    this.#partitions.clear()
  }

  add(topic: string, partition: number): void {
    if (this.#isEverything) return
    const partitions = this.#partitions.get(topic)
    if (partitions === undefined) this.#partitions.set(topic, new Set([partition]))
    else partitions.add(partition)
  }

  /** The changes so far, which are forgotten here. Partitions that are gone are among them. */
  take(): ImageChange {
    if (this.#isEverything) {
      this.#isEverything = false
      return 'everything'
    }
    const places: PartitionPlace[] = []
    for (const [topic, partitions] of this.#partitions) {
      for (const partition of partitions) places.push({ topic, partition })
    }
    this.#partitions.clear()
    return places
  }
}
