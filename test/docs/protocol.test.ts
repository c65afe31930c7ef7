import { testPage } from '../support/page.ts'

testPage('docs/protocol.md')
