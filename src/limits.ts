// Every maximum in one place: how it was chosen, and which others it must fit. At a limit we push
// back or refuse with a code; nothing grows quietly.

export const limits = {
  /** One client frame, body only: ZooKeeper's jute.maxbuffer default, just below 1 MiB. */
  clientFrameBytesMax: 0xfffff,

  /** One frame between servers: holds a proposal batch of `proposalBatchBytesMax` and its header. */
  peerFrameBytesMax: 16 * 1024 * 1024,

  /** A batch is sealed beyond this; one transaction is at most a client frame and its envelope. */
  proposalBatchBytesMax: 4 * 1024 * 1024,

  /** Transactions streamed to a learner per read of the log: large enough to keep the disk busy. */
  historyChunkBytes: 256 * 1024,

  /** Bytes queued for one peer beyond which it is cut off: it will come back and take a DIFF. */
  peerQueueBytesMax: 128 * 1024 * 1024,

  /** Depth of one decoded msgpack value; ours need 4. */
  msgpackDepthMax: 16,

  /** Elements of one decoded msgpack value, bounding what decoding it can allocate. */
  msgpackElementsMax: 1_000_000,

  /** From accept to hello; ZooKeeper gives 10 s to a connection without a session. */
  handshakeMs: 10_000,

  /** Requests of one connection that wait for an answer; then its socket is paused. */
  connectionOutstandingMax: 4096,

  /** Unsent bytes of one client connection beyond which it is cut off as a reader that stalled. */
  connectionQueueBytesMax: 64 * 1024 * 1024,

  /** Proposals in flight at the leader; above, client sockets are paused (globalOutstandingLimit). */
  proposalsInFlightMax: 65_536,

  /** Watches of one connection; a client over it gets THROTTLEDOP and keeps what it has. */
  watchesPerConnectionMax: 1_000_000,
} as const
