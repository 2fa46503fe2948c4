// A broker's answer to one of ZooKeeper's four-letter words: that its port is not a server's.

export function wordAnswer(broker: number): string {
  return `This is broker ${broker} of Mimic Queue, not a ZooWeeper server\n`
}

/** @returns the id of the broker that sent this answer; undefined for any other answer */
export function brokerIn(answer: string): number | undefined {
  const id = /^This is broker (\d+) of Mimic Queue/.exec(answer)?.[1]
  return id === undefined ? undefined : Number(id)
}
