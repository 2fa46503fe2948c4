// Loaded into every child of cluster.ts, before its program: when the parent is gone, for whatever
// reason, the child stops too. The channel closes when the parent dies, even by SIGKILL.

const stopDeadlineMs = 10_000

process.once('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), stopDeadlineMs).unref()
})
process.channel?.unref()
