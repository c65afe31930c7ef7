import { hostConformance } from './conformance/mod.ts'

hostConformance('deno')
