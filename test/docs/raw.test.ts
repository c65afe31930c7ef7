import { testPage } from '../support/page.ts'

testPage('docs/raw.md')
