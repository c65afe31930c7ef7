import { join } from 'node:path'
import { fileOutbox } from '../../adapters/file-outbox/mod.ts'
import { libsqlOutbox } from '../../adapters/libsql-outbox/mod.ts'
import { memoryOutbox } from '../../src/client/kept_outbox/mod.ts'
import { outboxConformance } from '../conformance/outbox_suite.ts'
import { tempDir } from '../support/temp_dir.ts'

outboxConformance('memory', () => {
  const store = memoryOutbox()
  return Promise.resolve({ store, reopen: () => Promise.resolve(store), close: () => Promise.resolve() })
})

for (
  const [name, open] of [['a file', fileOutbox], [
    'libSQL',
    (path: string) => libsqlOutbox({ url: `file:${path}` }),
  ]] as const
) {
  outboxConformance(name, async () => {
    const dir = await tempDir()
    const path = join(dir.path, 'outbox')
    let store = open(path)
    const reopen = async () => {
      await store.close()
      return store = open(path)
    }
    const close = async () => {
      await store.close()
      await dir.remove()
    }
    return { store, reopen, close }
  })
}
