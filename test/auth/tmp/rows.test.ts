import { addresses } from '/work/main/test/host/conformance/addresses.ts'
import { authentication } from '/work/main/test/host/conformance/auth.ts'
import { origins } from '/work/main/test/host/conformance/origins.ts'
import process from 'node:process'
for (const host of (process.env['HOSTS'] ?? 'bun').split(',')) { addresses(host as 'bun'); origins(host as 'bun'); authentication(host as 'bun') }
