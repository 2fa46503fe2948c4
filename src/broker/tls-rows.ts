// The option rows for the security of a broker's connections, with Kafka's names and defaults.
// tls-config.ts checks their values.
//
// Source: Kafka's BrokerSecurityConfigs, SslConfigs and ZkConfigs.

import { secretRow as secret, textRow as text } from '../option-rows.ts'
import { storeTypeRow as typeRow } from '../protocol/tls/settings.ts'

const hostCheckRow = {
  type: 'choice',
  default: 'https',
  choices: ['https', ''],
  about: 'With https, a certificate has to name the host that is dialled; empty: it need not.',
} as const

export const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
export type SecurityProtocol = (typeof securityProtocols)[number]

export const tlsRows = {
  listeners: text(
    'PROTOCOL://host:port in place of host and port; the protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL.',
    'PLAINTEXT, at host and port',
  ),
  'advertised.listeners': text(
    'PROTOCOL://host:port that clients and other brokers connect to, in place of advertisedHost.',
    'as listeners',
  ),
  'security.inter.broker.protocol': {
    type: 'choice',
    default: undefined,
    defaultText: 'that of listeners',
    choices: securityProtocols,
    about: 'Has to be the protocol of listeners: brokers are clients of the same port.',
  },
  portUnification: {
    type: 'boolean',
    default: false,
    about:
      'Whether a port with SSL takes plaintext as well, for bringing TLS to a running cluster one broker at a time.',
  },
  'ssl.keystore.location': text(
    "File with this broker's private key and certificate, PEM or PKCS #12.",
  ),
  'ssl.keystore.password': secret('Password of that file.'),
  'ssl.key.password': secret('Password of the private key in a PEM file.'),
  'ssl.keystore.type': typeRow,
  'ssl.truststore.location': text(
    'File with the certificates of the authorities that sign those of brokers and clients.',
    'the authorities that Node knows',
  ),
  'ssl.truststore.password': secret('Password of that file.'),
  'ssl.truststore.type': typeRow,
  'ssl.client.auth': {
    type: 'choice',
    default: 'none',
    choices: ['none', 'requested', 'required'],
    about: 'Whether clients, and other brokers, show a certificate.',
  },
  'ssl.endpoint.identification.algorithm': hostCheckRow,
  'ssl.enabled.protocols': text(
    'Enabled TLS versions, separated by commas: TLSv1.3, TLSv1.2.',
    'both',
  ),
  'ssl.cipher.suites': text(
    "Enabled cipher suites, separated by commas, in the standards' or OpenSSL's spelling.",
    "Node's",
  ),
  'zookeeper.ssl.client.enable': {
    type: 'boolean',
    default: false,
    about: 'Whether this broker connects to ZooWeeper by TLS.',
  },
  'zookeeper.ssl.keystore.location': text(
    'File with the private key and certificate that this broker shows to ZooWeeper.',
  ),
  'zookeeper.ssl.keystore.password': secret('Password of that file.'),
  'zookeeper.ssl.keystore.type': typeRow,
  'zookeeper.ssl.truststore.location': text(
    "File with the certificates of the authorities that sign those of ZooWeeper's servers.",
    'the authorities that Node knows',
  ),
  'zookeeper.ssl.truststore.password': secret('Password of that file.'),
  'zookeeper.ssl.truststore.type': typeRow,
  'zookeeper.ssl.endpoint.identification.algorithm': hostCheckRow,
  'zookeeper.clientCnxnSocket': {
    type: 'ignored',
    why: 'it names a class of Java; zookeeper.ssl.client.enable is enough',
  },
} as const
