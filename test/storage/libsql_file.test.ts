import { storeConformance } from '../conformance/mod.ts'
import { libsqlFile } from '../support/libsql_file.ts'

storeConformance('libSQL file in this thread', libsqlFile({ worker: false }))
