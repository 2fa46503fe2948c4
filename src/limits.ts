// Every maximum in one place: how it was chosen, and which others it must fit. At a limit we push
// back or refuse with a code; nothing grows quietly.

export const limits = {
  /** One client frame, body only: the default of jute.maxbuffer, ZooKeeper's, just below 1 MiB. */
  clientFrameBytesMax: 0xfffff,

  /** What jute.maxbuffer may be: `txnBytesMax` must hold it, and `connectionQueueBytesMax`. */
  clientFrameBytesCeiling: 8 * 1024 * 1024,

  /** One frame between servers: a batch just below `proposalBatchBytesMax`, then one more transaction. */
  peerFrameBytesMax: 32 * 1024 * 1024,

  /** The hello of a server: 255 servers with long names. Nothing larger is taken from a stranger. */
  peerHelloBytesMax: 128 * 1024,

  /** A batch is sealed beyond this. */
  proposalBatchBytesMax: 4 * 1024 * 1024,

  /**
   * One transaction: what a client frame asks for, as changes of the tree; twice the largest frame. A
   * multi that grows beyond is refused. A batch of proposals and this fit `peerFrameBytesMax`.
   */
  txnBytesMax: 16 * 1024 * 1024,

  /** Transactions streamed to a learner per read of the log: large enough to keep the disk busy. */
  historyChunkBytes: 256 * 1024,

  /** Bytes queued for one peer beyond which it is cut off: it will come back and take a DIFF. */
  peerQueueBytesMax: 128 * 1024 * 1024,

  /** Logged bytes kept in memory until they are delivered; what comes on top is read from the log. */
  undeliveredBytesMax: 8 * 1024 * 1024,

  /** Depth of one decoded msgpack value; ours need 4. */
  msgpackDepthMax: 16,

  /** Elements of one decoded msgpack value, bounding what decoding it can allocate. */
  msgpackElementsMax: 1_000_000,

  /** From accept to hello; ZooKeeper gives 10 s to a connection without a session. */
  handshakeMs: 10_000,

  /** One frame from a server to our client: a getChildren may be longer than any request. */
  clientReplyBytesMax: 64 * 1024 * 1024,

  /**
   * What a client keeps of requests without an answer; above, new ones fail with THROTTLEDOP. Values
   * are the caller's memory until they are sent: this is for a loop that never awaits.
   */
  clientCallBytesMax: 256 * 1024 * 1024,

  /**
   * Of those, what is on its way at once, if it is more than one request; the rest waits, and is still
   * unsent when a connection is lost. As much as a server takes at once (`longBytesInFlightMax`): more
   * would wait there, and an answer that comes long after its request was sent looks like silence.
   */
  clientSentBytesMax: 1024 * 1024,

  /** Requests of one connection that wait for an answer; then its socket is paused. */
  connectionOutstandingMax: 4096,

  /** Bytes of those that cannot even be looked at yet (handshake, a slow reader); as above. */
  connectionHeldBytesMax: 1024 * 1024,

  /** Unsent bytes of one client connection beyond which it is cut off as a reader that stalled. */
  connectionQueueBytesMax: 64 * 1024 * 1024,

  /** Proposals in flight at the leader; above, client sockets are paused (globalOutstandingLimit). */
  proposalsInFlightMax: 65_536,

  /** Up to here a request is short: it never waits for long ones, of which one takes milliseconds. */
  shortRequestBytesMax: 16 * 1024,

  /**
   * Bytes of the long requests that one server's clients wait for, if there is more than one; above,
   * clients take turns. As small as it may be without slowing anybody: a leader that is sent all of it
   * at once, in multis of small parts, decides for some 100 ms, and one that is silent for much longer
   * is left.
   */
  longBytesInFlightMax: 1024 * 1024,

  /** The same for short ones, which are decided faster: some thousand at once are more than it takes. */
  shortBytesInFlightMax: 512 * 1024,

  /** One multiRead's answer, but for its last part; further parts are refused. */
  multiReadBytesMax: 16 * 1024 * 1024,

  /** Watches of one connection; a client over it gets THROTTLEDOP and keeps what it has. */
  watchesPerConnectionMax: 1_000_000,

  /** Letters in all identities of one connection: each of its writes carries them to the leader. */
  identitiesLengthMax: 16 * 1024,

  /** One record batch, Kafka's max.message.bytes; a produce frame is this and a little. */
  recordBatchBytesMax: 1_048_588,

  /** Records of one fetch response; a first batch may be larger by itself, never by much. */
  fetchBytesMax: 8 * 1024 * 1024,

  /** One frame to or from a broker: `fetchBytesMax`, one more batch, and what surrounds them. */
  brokerFrameBytesMax: 16 * 1024 * 1024,

  /**
   * Elements of one Kafka request that are more than numbers once it is decoded, bounding the memory
   * that takes: the topics and partitions of a fetch of 10 000 partitions, several times over.
   */
  kafkaObjectsMax: 100_000,

  /** One line of a shell script: a value just below a client frame in base64, or escaped, and more. */
  shellLineBytesMax: 4 * 1024 * 1024,

  /** The log of one member of `zw up` beyond which the next start begins a new file. */
  memberLogBytes: 16 * 1024 * 1024,

  /** How long a fetch may wait for records; a client that wants to wait longer asks again. */
  fetchWaitMsMax: 30_000,

  /** How long a produce may wait for its acks. */
  produceTimeoutMsMax: 120_000,

  /** Batches that a partition's leader remembers per producer, so that a retry gets its offset. */
  rememberedBatchesMax: 64,

  /** Early batches that it holds per producer; not above `rememberedBatchesMax`. */
  heldBatchesMax: 64,

  /** Bytes of early batches that one partition holds: one producer at its limit with 256 KiB each. */
  heldBytesMax: 16 * 1024 * 1024,

  /** Producers that a partition remembers; those that were silent longest are forgotten first. */
  producersPerPartitionMax: 10_000,

  /** Partitions of one topic; its znodes are made in one multi, which must fit a client frame. */
  partitionsPerTopicMax: 1000,

  /** Kafka's longest topic name. */
  topicNameLengthMax: 249,
} as const
