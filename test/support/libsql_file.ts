import { join } from 'node:path'
import { type LibsqlOptions, libsqlStore } from '../../adapters/libsql/mod.ts'
import type { StoreFixture } from '../conformance/mod.ts'
import { tempDir } from './temp_dir.ts'

/** A fixture of libSQL files in temporary directories. */
export function libsqlFile(options: Omit<LibsqlOptions, 'url'>): () => Promise<StoreFixture> {
  return async () => {
    const dir = await tempDir()
    const url = `file:${join(dir.path, 'rotunda.db')}`
    return { open: () => libsqlStore({ url, ...options }), remove: dir.remove }
  }
}
