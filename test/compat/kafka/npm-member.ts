// One member of a group in a process of its own, to be killed:
//
//   node --import=tsx npm-member.ts CLIENT HOST:PORT,… TOPIC GROUP
//
// Its reports go to standard output, one JSON object per line.

import type { GroupClient } from './group-client.ts'
import { kafkajsGroups } from './kafkajs-groups.ts'
import { platformaticGroups } from './platformatic-groups.ts'

const [name, servers = '', topic = '', group = ''] = process.argv.slice(2)
const clients: readonly GroupClient[] = [kafkajsGroups, platformaticGroups]
const client = clients.find((each) => each.name === name)
if (client === undefined) throw new Error(`There is no client ${name}`)

const tell = (news: object) => process.stdout.write(`${JSON.stringify(news)}\n`)

await client.startMember(
  { servers: servers.split(','), topic, group },
  {
    assigned: (count) => tell({ assigned: count }),
    read: (numbers) => tell({ read: numbers }),
    committed: (numbers) => tell({ committed: numbers }),
  },
)
