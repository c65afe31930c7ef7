import { testPage } from '../support/page.ts'

testPage('docs/fallback.md', ['zod', 'eventsource', 'eventsource-parser'])
