// Every maximum in one place: how it was chosen, and which others it must fit. At a limit we push
// back or refuse with a code; nothing grows without bound.

export const limits = {
  /** One client frame, body only: ZooKeeper's default of jute.maxbuffer, just below 1 MiB. */
  clientFrameBytesMax: 0xfffff,

  /** Upper bound of jute.maxbuffer: it must fit `txnBytesMax` and `connectionQueueBytesMax`. */
  clientFrameBytesCeiling: 8 * 1024 * 1024,

  /**
   * One frame between servers: a batch just below `proposalBatchBytesMax`, then one more
   * transaction.
   */
  peerFrameBytesMax: 32 * 1024 * 1024,

  /**
   * The hello of a server: 255 servers with long names. No larger frame is accepted before a server
   * has proved itself.
   */
  peerHelloBytesMax: 128 * 1024,

  /** A batch is sealed above this size. */
  proposalBatchBytesMax: 4 * 1024 * 1024,

  /**
   * One transaction: a client's request as changes of the tree; twice the largest frame. A larger
   * multi is refused. A batch of proposals and one transaction fit `peerFrameBytesMax`.
   */
  txnBytesMax: 16 * 1024 * 1024,

  /** Transactions streamed to a learner per read of the log: large enough to keep the disk busy. */
  historyChunkBytes: 256 * 1024,

  /** Bytes queued for one peer; above, it is disconnected, and will reconnect and take a DIFF. */
  peerQueueBytesMax: 128 * 1024 * 1024,

  /** Logged bytes kept in memory until they are delivered; the rest is read from the log. */
  undeliveredBytesMax: 8 * 1024 * 1024,

  /** Depth of one decoded msgpack value; ours need 7. */
  msgpackDepthMax: 16,

  /**
   * How long a server that stops waits for its clients to get their answers; below the deadline of
   * its stop.
   */
  drainMs: 3000,

  /** From accept to hello; ZooKeeper gives 10 s to a connection without a session. */
  handshakeMs: 10_000,

  /** One frame from a server to our client: a getChildren may be longer than any request. */
  clientReplyBytesMax: 64 * 1024 * 1024,

  /**
   * A client's unanswered requests; above, new ones fail with THROTTLEDOP. Values stay in the
   * caller's memory until they are sent: this stops a loop that never awaits.
   */
  clientCallBytesMax: 256 * 1024 * 1024,

  /**
   * Of those, the bytes in flight at once, if more than one request; the rest waits, and is still
   * unsent when a connection is lost. Equal to the bytes that a server takes at once
   * (`longBytesInFlightMax`): more would wait there, and an answer that comes long after its
   * request was sent looks like silence.
   */
  clientSentBytesMax: 1024 * 1024,

  /** Requests of one connection without an answer; above, its socket is paused. */
  connectionOutstandingMax: 4096,

  /** Bytes of requests that cannot be decoded yet (handshake, a slow reader); above, as before. */
  connectionHeldBytesMax: 1024 * 1024,

  /** Unsent bytes of one client connection; above, it is disconnected as a stalled reader. */
  connectionQueueBytesMax: 64 * 1024 * 1024,

  /**
   * Proposals in flight at the leader; above, client sockets are paused (globalOutstandingLimit).
   */
  proposalsInFlightMax: 65_536,

  /**
   * Up to this size a request is short: it never waits for long ones, each of which takes
   * milliseconds.
   */
  shortRequestBytesMax: 16 * 1024,

  /**
   * Bytes in flight of the long requests of one server's clients, if more than one; above, clients
   * take turns. As small as possible without reducing throughput: a leader that receives all of it
   * at once, in multis of small parts, is busy for some 100 ms, and followers leave a leader that
   * is silent for much longer.
   */
  longBytesInFlightMax: 1024 * 1024,

  /** The same for short requests, which are faster: several thousand at once fill it. */
  shortBytesInFlightMax: 512 * 1024,

  /**
   * One answer, whose only unbounded parts are lists of names; a longer one is refused. With what may
   * be unsent before it, it fits `connectionQueueBytesMax` and `clientReplyBytesMax`.
   */
  answerBytesMax: 60 * 1024 * 1024,

  /** One page of a parent's children, exceeded by the last names: encoding it takes a millisecond. */
  childrenPageBytes: 256 * 1024,

  /** The answer of one multiRead, excluding its last part; further parts are refused. */
  multiReadBytesMax: 16 * 1024 * 1024,

  /**
   * Znodes of an ensemble; above, a create is refused with QUOTAEXCEEDED. Ten times what a server holds
   * in 250 MB, and below 2^24, where the maps end that hold rare fields by znode.
   */
  znodesMax: 10_000_000,

  /** Watches of one connection; above, the client gets THROTTLEDOP and keeps its watches. */
  watchesPerConnectionMax: 1_000_000,

  /**
   * Characters in all identities of one connection: each of its writes carries them to the leader.
   */
  identitiesLengthMax: 16 * 1024,

  /** One record batch, by Kafka's default of max.message.bytes; a produce frame is slightly larger. */
  recordBatchBytesMax: 1_048_588,

  /**
   * Highest max.message.bytes: one such batch fits `brokerFrameBytesMax` behind `fetchBytesMax`, with
   * room for the fields around them.
   */
  recordBatchBytesCeiling: 7 * 1024 * 1024,

  /**
   * The records of one compressed batch, when a client decompresses them: a batch of
   * `recordBatchBytesMax` that compression makes 64 times smaller.
   */
  decompressedBatchBytesMax: 64 * 1024 * 1024,

  /**
   * The same when a broker checks the batch before it stores it: twice what clients put into one. More
   * would keep the broker busy, and is stored unchecked.
   */
  checkedBlockBytesMax: 2 * 1024 * 1024,

  /**
   * Records that the refusal of a batch names one by one: some 100 KiB of text for each partition of a
   * produce response. Kafka's clients fail the others with the batch.
   */
  badRecordsMax: 1000,

  /**
   * Batches of one produce request of our client, Kafka's max.request.size; one batch always fits.
   */
  produceRequestBytesMax: 1_048_576,

  /** Records of one fetch response; a single first batch may exceed it slightly. */
  fetchBytesMax: 8 * 1024 * 1024,

  /**
   * Fetches of one follower that wait at a leader; of more, the oldest is answered at once. A follower
   * has one waiting, and one more for each of its disk's syncs that was acknowledged since.
   */
  replicaFetchesMax: 4,

  /**
   * A follower that was sent fewer bytes acknowledges them before it asks for more: what is appended
   * meanwhile then comes in one answer.
   */
  replicaGatheredBytesMax: 16 * 1024,

  /**
   * Answers with records, of `fetchBytesMax` at most, that a follower takes from one leader while its
   * disk completes no sync; then it asks for no more.
   */
  replicaAnswersAheadMax: 8,

  /**
   * The newest records of a broker's partitions, kept in memory for followers and consumers that follow
   * closely: a few MiB for each of the busiest.
   */
  tailBytesMax: 64 * 1024 * 1024,

  /**
   * What the indexes of all logs of a broker keep in memory although files have it: about that of 10 GB
   * of log.
   */
  indexBytesMax: 64 * 1024 * 1024,

  /** One frame to or from a broker: `fetchBytesMax`, one more batch, and the fields around them. */
  brokerFrameBytesMax: 16 * 1024 * 1024,

  /**
   * Elements of one Kafka request that are more than numbers once it is decoded, bounding the memory
   * that takes: the topics and partitions of a fetch of 10 000 partitions, several times over.
   */
  kafkaObjectsMax: 100_000,

  /** One request before its client is authenticated, as in Kafka. */
  saslRequestBytesMax: 512 * 1024,

  /** What a client waits for the answer to a wrong password, as in Kafka: guessing takes long. */
  saslRefusalDelayMs: 100,

  /**
   * Fetch sessions of one broker, as many as Kafka's max.incremental.fetch.session.cache.slots, and the
   * partitions of all of them: some 50 MiB. A client that is granted none names all its partitions.
   */
  fetchSessionsMax: 1000,
  fetchSessionPartitionsMax: 200_000,

  /**
   * One line of a shell script: a value just below a client frame, in base64 or escaped, and its
   * command.
   */
  shellLineBytesMax: 4 * 1024 * 1024,

  /** The log of one member of `zw up`; above, the next start begins a new file. */
  memberLogBytes: 16 * 1024 * 1024,

  /** How long a fetch may wait for records; a client that wants to wait longer fetches again. */
  fetchWaitMsMax: 30_000,

  /** How long a produce may wait for its acks. */
  produceTimeoutMsMax: 120_000,

  /** Batches that a partition's leader remembers per producer, so that a retry gets its offset. */
  rememberedBatchesMax: 64,

  /** Early batches that a leader holds per producer; at most `rememberedBatchesMax`. */
  heldBatchesMax: 64,

  /**
   * Bytes of early batches that one partition holds: one producer at its limit with 256 KiB each.
   */
  heldBytesMax: 16 * 1024 * 1024,

  /**
   * Bytes appended to a partition after which the snapshot of its log is written again. A start reads
   * at most about this much of each log; a partition that takes 10 MB/s writes one every 5 s.
   */
  snapshotBytes: 8 * 1024 * 1024,

  /** Keys that one compaction of a log remembers; about 100 bytes each. Later ones wait for the next. */
  compactionKeysMax: 1_000_000,

  /** Producers that a partition remembers; the longest-silent ones are forgotten first. */
  producersPerPartitionMax: 10_000,

  /** Partitions of one topic; one multi creates its znodes, and must fit a client frame. */
  partitionsPerTopicMax: 1000,

  /** Kafka's longest topic name. */
  topicNameLengthMax: 249,

  /** Members of one consumer group, those included that were given an id and have not joined yet. */
  groupMembersMax: 1000,

  /**
   * What all members of a group tell the assignor: with their assignments, which are as long, it is
   * stored in one batch, which has to fit `recordBatchBytesMax`.
   */
  groupBytesMax: 448 * 1024,

  /** Groups that one broker coordinates, all of which it keeps in memory. */
  groupsHeldMax: 10_000,

  /** Characters that a client may store with an offset, Kafka's offset.metadata.max.bytes. */
  commitMetadataLengthMax: 4096,

  /** Records that the terminal consumer keeps for scrolling, and their bytes; the oldest go first. */
  browserRecordsMax: 10_000,
  browserRecordBytesMax: 64 * 1024 * 1024,

  /** Bytes of one key or value that the terminal consumer's detail shows. */
  browserDetailBytesMax: 64 * 1024,
} as const
