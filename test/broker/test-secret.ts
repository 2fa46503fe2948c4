// The secret that the brokers of a test share.

import { ClusterSecret } from '../../src/protocol/mq/cluster-secret.ts'

export const readSecret = (): Buffer => Buffer.from('the secret of brokers in tests')

export const testSecret = new ClusterSecret(readSecret())
