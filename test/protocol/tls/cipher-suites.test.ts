import t from 'tap'
import { cipherSuites } from '../../../src/protocol/tls/cipher-suites.ts'

const cases = [
  {
    list: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
    want: 'ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
  },
  { list: 'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', want: 'ECDHE-RSA-AES128-SHA256' },
  { list: 'TLS_RSA_WITH_AES_256_GCM_SHA384', want: 'AES256-GCM-SHA384' },
  {
    list: 'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
    want: 'ECDHE-RSA-CHACHA20-POLY1305',
  },
  { list: 'TLS_AES_256_GCM_SHA384', want: 'TLS_AES_256_GCM_SHA384' },
  { list: 'ECDHE-RSA-AES128-GCM-SHA256', want: 'ECDHE-RSA-AES128-GCM-SHA256' },
]
for (const { list, want } of cases) {
  t.test(`${list} is ${want} to OpenSSL`, async (t) => {
    t.same(cipherSuites(list), { type: 'known', ciphers: want })
  })
}

t.test('a suite that OpenSSL does not have is named', async (t) => {
  const list = 'TLS_AES_128_GCM_SHA256, TLS_KRB5_WITH_RC4_128_SHA'
  t.same(cipherSuites(list), { type: 'unknown', suite: 'TLS_KRB5_WITH_RC4_128_SHA' })
})
