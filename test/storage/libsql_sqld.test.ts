import { after } from 'node:test'
import { libsqlStore } from '../../adapters/libsql/web.ts'
import { storeConformance } from '../conformance/mod.ts'
import { type Sqld, sqldFixture, startSqld } from '../support/sqld.ts'

let started: Promise<Sqld> | undefined
const server = () => started ??= startSqld()
after(async () => await (await started)?.stop())

storeConformance('sqld over HTTP', sqldFixture(server, 'http'))
storeConformance('sqld over WebSocket', sqldFixture(server, 'ws'))
storeConformance('sqld over HTTP, opened by rotunda/libsql/web', sqldFixture(server, 'http', libsqlStore))
