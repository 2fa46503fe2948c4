import t from 'tap'
import { MemoryDirectory } from '../../src/log/memory-directory.ts'
import { openDiskDirectory } from '../../src/log/segment-file.ts'
import { segmentFileSuite } from '../suites/segment-file.ts'

t.test('on the disk', async (t) => segmentFileSuite(t, (t) => openDiskDirectory(t.testdir())))

t.test('in memory', async (t) => segmentFileSuite(t, () => new MemoryDirectory()))
