import t from 'tap'
import { JaasError, readJaasUsers } from '../../src/daemon/jaas.ts'

const module = 'org.apache.zookeeper.server.auth.DigestLoginModule'

const files: readonly { name: string; text: string; want: Record<string, string> | undefined }[] = [
  {
    name: "the example of ZooKeeper's guide",
    text: `Server {
      ${module} required
      user_super="adminsecret"
      user_bob="bobsecret";
    };`,
    want: { super: 'adminsecret', bob: 'bobsecret' },
  },
  { name: 'an empty file', text: '', want: undefined },
  {
    name: 'comments, and sections of other programs',
    text: `// of the client
    Client { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true
      keyTab="/etc/zk.keytab" principal="zk/host@REALM"; };
    /* ours
       follows */ Server { ${module} required user_a="x"; };`,
    want: { a: 'x' },
  },
  {
    name: 'a password with signs, quotation marks and blanks',
    text: `Server { ${module} required user_a="{};=// \\"q\\" \\\\ ü"; };`,
    want: { a: '{};=// "q" \\ ü' },
  },
  {
    name: 'an unquoted value, and another option',
    text: `Server { ${module} sufficient debug=true user_a=plain; }`,
    want: { a: 'plain' },
  },
  {
    name: 'two modules in the section',
    text: `Server { ${module} required user_a="x"; ${module} optional user_b="y"; };`,
    want: { a: 'x', b: 'y' },
  },
  { name: 'no user', text: `Server { ${module} required; };`, want: {} },
]
for (const { name, text, want } of files) {
  t.test(`read: ${name}`, async (t) => {
    const users = readJaasUsers(text, 'Server')
    t.same(users === undefined ? undefined : Object.fromEntries(users), want)
  })
}

t.test('the section may have another name', async (t) => {
  const text = `Zoo { ${module} required user_a="x"; };`
  t.equal(readJaasUsers(text, 'Server'), undefined)
  t.same([...(readJaasUsers(text, 'Zoo') ?? [])], [['a', 'x']])
})

const wrong: readonly { name: string; text: string; says: string }[] = [
  {
    name: 'Kerberos',
    text: 'Server {\n com.sun.security.auth.module.Krb5LoginModule required\n useKeyTab=true;\n};',
    says: 'line 2: com.sun.security.auth.module.Krb5LoginModule is not supported',
  },
  {
    name: 'a section that does not end',
    text: `Server { ${module} required user_a="x";`,
    says: 'end',
  },
  { name: 'no flag', text: `Server { ${module} user_a="x"; };`, says: 'user_a is no flag' },
  { name: 'no value', text: `Server { ${module} required user_a=; };`, says: 'value of an option' },
  { name: 'no name', text: '{ }', says: 'the name of a section is missing' },
  { name: 'an open quotation', text: 'Server { x required a="', says: 'line 1 is malformed' },
  {
    name: 'the section twice',
    text: `Server { ${module} required; };\nServer { ${module} required; };`,
    says: 'two sections Server',
  },
]
for (const { name, text, says } of wrong) {
  t.test(`refused: ${name}`, async (t) => {
    t.throws(() => readJaasUsers(text, 'Server'), { name: 'JaasError', message: new RegExp(says) })
  })
}

t.test('a message shows no password', async (t) => {
  const text = 'Server { x required user_a="hunter2\n" };'
  try {
    readJaasUsers(text, 'Server')
    t.fail('it is malformed')
  } catch (error) {
    t.type(error, JaasError)
    t.notMatch((error as Error).message, 'hunter')
  }
})
