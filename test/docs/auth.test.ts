import { testPage } from '../support/page.ts'

testPage('docs/auth.md', ['zod', 'jose'])
