import { testPage } from '../support/page.ts'

testPage('docs/operate.md', ['zod', 'hono', 'jose'])
