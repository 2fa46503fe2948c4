import t from 'tap'
import { openDiskDirectory } from '../../src/log/segment-file.ts'
import { segmentFileSuite } from '../suites/segment-file.ts'
import { MemoryDirectory } from './memory-directory.ts'

t.test('on the disk', async (t) => segmentFileSuite(t, (t) => openDiskDirectory(t.testdir())))

t.test('in memory', async (t) => segmentFileSuite(t, () => new MemoryDirectory()))
