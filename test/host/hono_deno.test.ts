import { hostConformance } from './conformance/mod.ts'

hostConformance('hono-deno')
