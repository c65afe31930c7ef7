import { testPage } from '../support/page.ts'

testPage('docs/retention.md')
