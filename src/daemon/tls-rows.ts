// The option rows for TLS, with ZooKeeper's names and defaults. tls-config.ts checks their values.
//
// Source: X509Util, ClientX509Util and QuorumX509Util in ZooKeeper, and its administrator guide.

import { secretRow as secret, textRow as text } from '../option-rows.ts'
import { clientAuths, storeTypeRow as typeRow } from '../protocol/tls/settings.ts'

const clientAuthRow = { type: 'choice', choices: clientAuths, anyCase: true } as const

export const clientTlsRows = {
  secureClientPort: {
    type: 'integer',
    default: undefined,
    defaultText: 'none',
    min: 0,
    max: 65_535,
    about:
      'Port that clients connect to by TLS; 0 picks a free one. Without clientPort, there is no ' +
      'port for plaintext then.',
  },
  secureClientPortAddress: text('Address of the secure client port.', 'all addresses'),
  'client.portUnification': {
    type: 'boolean',
    default: false,
    about:
      'Whether clientPort takes TLS as well, told by the first byte of a connection: for moving ' +
      'clients to TLS one by one.',
  },
  'ssl.keyStore.location': text(
    "File with this server's private key and certificate for clients, PEM or PKCS #12.",
  ),
  'ssl.keyStore.password': secret('Password of that file.'),
  'ssl.keyStore.passwordPath': text('File that holds the password; it overrides the other.'),
  'ssl.keyStore.type': typeRow,
  'ssl.trustStore.location': text(
    'File with the certificates of the authorities that sign those of clients.',
    'none; needed unless ssl.clientAuth=none',
  ),
  'ssl.trustStore.password': secret('Password of that file.'),
  'ssl.trustStore.passwordPath': text('File that holds the password; it overrides the other.'),
  'ssl.trustStore.type': typeRow,
  'ssl.clientAuth': {
    ...clientAuthRow,
    default: 'need',
    about: 'Whether clients show a certificate: none of them, those that have one, or all.',
  },
  'ssl.hostnameVerification': {
    type: 'boolean',
    default: true,
    about: 'With false, ssl.clientHostnameVerification has no effect.',
  },
  'ssl.clientHostnameVerification': {
    type: 'boolean',
    default: false,
    about:
      "Whether a client's certificate has to name the address that the client connects from, or a " +
      'host name that this address has.',
  },
  'ssl.protocol': text('The only TLS version, if ssl.enabledProtocols is not set.', 'both'),
  'ssl.enabledProtocols': text(
    'Enabled TLS versions, separated by commas: TLSv1.3, TLSv1.2.',
    'both, or ssl.protocol',
  ),
  'ssl.ciphersuites': text(
    "Enabled cipher suites, separated by commas, in the standards' or OpenSSL's spelling.",
    "Node's",
  ),
  'ssl.handshakeDetectionTimeoutMillis': {
    type: 'integer',
    default: 5000,
    min: 1,
    max: 3_600_000,
    about: 'Milliseconds for the first byte of a connection, which tells TLS from plaintext.',
  },
  'client.certReload': {
    type: 'boolean',
    default: false,
    about:
      'Whether changed key and trust stores for clients are read again while the server runs; open ' +
      'connections stay.',
  },
  'X509AuthenticationProvider.superUser': text(
    "A super user, who bypasses all ACLs: the name in a client's certificate, such as CN=admin,O=Example.",
  ),
} as const

export const quorumTlsRows = {
  sslQuorum: {
    type: 'boolean',
    default: false,
    about: 'Whether this server connects to the other servers by TLS, and takes them by TLS only.',
  },
  portUnification: {
    type: 'boolean',
    default: false,
    about:
      'Whether other servers are taken in plaintext and by TLS, for bringing TLS to a running ensemble ' +
      'one server at a time.',
  },
  sslQuorumReloadCertFiles: {
    type: 'boolean',
    default: false,
    about:
      'Whether changed key and trust stores for servers are read again while the server runs; open ' +
      'connections stay.',
  },
  'ssl.quorum.keyStore.location': text(
    "File with this server's private key and certificate for other servers, PEM or PKCS #12.",
  ),
  'ssl.quorum.keyStore.password': secret('Password of that file.'),
  'ssl.quorum.keyStore.passwordPath': text('File that holds the password; it overrides the other.'),
  'ssl.quorum.keyStore.type': typeRow,
  'ssl.quorum.trustStore.location': text(
    'File with the certificates of the authorities that sign those of servers.',
  ),
  'ssl.quorum.trustStore.password': secret('Password of that file.'),
  'ssl.quorum.trustStore.passwordPath': text(
    'File that holds the password; it overrides the other.',
  ),
  'ssl.quorum.trustStore.type': typeRow,
  'ssl.quorum.clientAuth': {
    ...clientAuthRow,
    default: 'need',
    about:
      'Whether a server that connects shows a certificate: with need, servers prove who they are.',
  },
  'ssl.quorum.hostnameVerification': {
    type: 'boolean',
    default: true,
    about: "Whether a server's certificate has to name the host of its server.N line.",
  },
  'ssl.quorum.clientHostnameVerification': {
    type: 'boolean',
    default: undefined,
    defaultText: 'as ssl.quorum.hostnameVerification',
    about: 'The same for servers that connect to this one.',
  },
  'ssl.quorum.protocol': text(
    'The only TLS version, if ssl.quorum.enabledProtocols is not set.',
    'both',
  ),
  'ssl.quorum.enabledProtocols': text(
    'Enabled TLS versions, separated by commas: TLSv1.3, TLSv1.2.',
    'both, or ssl.quorum.protocol',
  ),
  'ssl.quorum.ciphersuites': text(
    "Enabled cipher suites, separated by commas, in the standards' or OpenSSL's spelling.",
    "Node's",
  ),
  'ssl.quorum.handshakeDetectionTimeoutMillis': {
    type: 'integer',
    default: 5000,
    min: 1,
    max: 3_600_000,
    about: 'Milliseconds for the first byte of a connection, which tells TLS from plaintext.',
  },
} as const
