import { storeConformance } from '../conformance/mod.ts'
import { libsqlFile } from '../support/libsql_file.ts'

storeConformance('libSQL file in workers', libsqlFile({ worker: true }))
