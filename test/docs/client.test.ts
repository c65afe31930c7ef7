import { testPage } from '../support/page.ts'

testPage('docs/client.md')
