import { testPage } from '../support/page.ts'

testPage('docs/rooms.md')
