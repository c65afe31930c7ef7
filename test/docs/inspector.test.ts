import { testPage } from '../support/page.ts'

testPage('docs/inspector.md')
