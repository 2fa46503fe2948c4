// What a test file needs before it is loaded. tap and fast-check come first: what is loaded after tsx
// passes through its module hooks, in another thread, and so takes three times as long.

import 'tap'
import 'fast-check'
import { register } from 'tsx/esm/api'

register()
